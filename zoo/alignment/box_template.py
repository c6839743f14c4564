"""A crop that is the box of a face, with a margin."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.template import Template


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class BoxTemplate(Template):
    """A crop that is the box of a face, with a margin.

    The box grows by half the margin on each side, ends where the photo ends,
    is cut to whole pixels, and is stretched to the crop in each direction of
    its own: nothing is turned, and a tall box becomes wider.

    Args:
        name, size, provenance: As of every `Template`.
        margin: Pixels of the photo by which the box is widened and
            heightened, half of them on either side.

    Raises:
        ValueError: If `margin` is negative or not finite, or `size` is not
            two positive integers.
    """

    margin: float

    needs_box = True
    black_outside = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0.0 <= self.margin < np.inf:
            raise ValueError(
                "`margin` must be 0 or more pixels. "
                f"Received: margin={self.margin!r}"
            )

    def transform(
        self,
        face: "Face | np.ndarray",
        shape: Sequence[int] | None = None,
        reflection: bool = False,
    ) -> np.ndarray:
        """The stretching of the box; no similarity."""
        self.refuse_reflection(reflection)
        if not isinstance(face, Face):
            raise ValueError(
                f"The template {self.name} is the box of a face, which "
                "landmarks do not give. Pass a `Face`, as `detect` finds it. "
                f"Received: an array of shape {np.shape(face)}"
            )
        height, width = (np.inf, np.inf) if shape is None else shape[:2]
        left, top, wide, high = face.box
        (x, right), (y, bottom) = (
            self.cut(left, wide, width),
            self.cut(top, high, height),
        )
        if not (right > x and bottom > y):
            raise ValueError(
                "The box of the face must lie in the photo. "
                f"Received: box={face.box}, a photo of {width} x {height}"
            )
        matrix = np.zeros((2, 3))
        for axis, start, end in ((0, x, right), (1, y, bottom)):
            # Edges of pixels are mapped on edges: half a pixel from centers.
            scale = self.size[1 - axis] / (end - start)
            matrix[axis, axis] = scale
            matrix[axis, 2] = (0.5 - start) * scale - 0.5
        return matrix

    def cut(self, start: float, length: float, end: float) -> np.ndarray:
        """First pixel, and the one behind the last, along one axis."""
        half = self.margin / 2.0
        edges = np.array([start - half, start + length + half])
        return np.trunc(np.clip(edges, 0.0, end))
