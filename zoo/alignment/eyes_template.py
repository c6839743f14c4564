"""A crop with level eyes at one height and the mouth at another."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_hypersphere.zoo.alignment.face import Face, landmarks_of
from keras_hypersphere.zoo.alignment.least_squares import as_matrix, noise
from keras_hypersphere.zoo.alignment.template import Template


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class EyesTemplate(Template):
    """A crop with level eyes at one height and the mouth at another.

    The photo is turned until the eyes are level, scaled until the middle of
    the mouth is as far below the middle of the eyes as in the template, and
    shifted until the middle of the eyes is where the template has it. The
    nose plays no part, nor how far the mouth is left or right of the eyes.

    Args:
        name, size, provenance: As of every `Template`.
        eyes: (x, y) of the middle between the eyes in the crop, 0-based.
        mouth: y of the middle between the corners of the mouth.

    Raises:
        ValueError: If the mouth is not below the eyes, or `size` is not two
            positive integers.
    """

    eyes: tuple[float, float]
    mouth: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.mouth > self.eyes[1]:
            raise ValueError(
                "`mouth` must be below the eyes. Received: "
                f"eyes={self.eyes!r}, mouth={self.mouth!r}"
            )

    def transform(
        self,
        face: "Face | np.ndarray",
        shape: Sequence[int] | None = None,
        reflection: bool = False,
    ) -> np.ndarray:
        """The similarity, by the middles of eyes and mouth."""
        self.refuse_reflection(reflection)
        points = landmarks_of(face, (5, 2))
        z = points @ (1.0, 1.0j)
        eyes, mouth = z[:2].mean(), z[3:].mean()
        across = z[1] - z[0]
        apart = abs(across)
        turn = across.conjugate() / apart if apart > noise(z) else 0.0
        below = ((mouth - eyes) * turn).imag
        if not below > noise(z):
            raise ValueError(
                f"The template {self.name} needs two eyes and a mouth below "
                f"them. Received: points={points.tolist()}"
            )
        a = (self.mouth - self.eyes[1]) / below * turn
        return as_matrix(a, complex(*self.eyes) - a * eyes)
