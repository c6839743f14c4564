"""A crop: its size, and how a face is moved into it."""

import abc
import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from keras_hypersphere.zoo.alignment.face import Face


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Template(abc.ABC):
    """A crop of a face.

    Its kinds differ in what they hold still:

    * `PointsTemplate`: five landmarks, by least squares;
    * `EyesTemplate`: the middle of the eyes, and how far below the mouth is;
    * `BoxTemplate`: the box of the face.

    Args:
        name: The name under which `TEMPLATES` holds it.
        size: (height, width) of the crop in pixels.
        provenance: Where the numbers come from.

    Raises:
        ValueError: If `size` is not two positive integers.
    """

    name: str
    size: tuple[int, int]
    provenance: str

    # Whether landmarks alone are too little.
    needs_box: ClassVar[bool] = False
    # What a crop shows beyond the photo: black, or else the photo's edge.
    black_outside: ClassVar[bool] = True

    def __post_init__(self) -> None:
        size = tuple(self.size)
        if len(size) != 2 or not all(
            isinstance(side, int) and side > 0 for side in size
        ):
            raise ValueError(
                "`size` must be (height, width), two positive integers. "
                f"Received: size={self.size!r}"
            )
        object.__setattr__(self, "size", size)

    @abc.abstractmethod
    def transform(
        self,
        face: "Face | np.ndarray",
        shape: Sequence[int] | None = None,
        reflection: bool = False,
    ) -> np.ndarray:
        """Finds the map from a photo to the crop.

        Args:
            face: The face, or its (5, 2) landmarks (x, y), 0-based.
            shape: The photo's shape, height and width first: a box ends
                where the photo ends. None: nobody knows.
            reflection: As in `similarity_transform`.

        Returns:
            (2, 3) float64 matrix: `matrix @ (x, y, 1)` is the position in
            the crop.

        Raises:
            ValueError: If no map fits the face.
        """

    def refuse_reflection(self, reflection: bool) -> None:
        """Refuses a reflection where nothing is fitted."""
        if reflection:
            raise ValueError(
                "`reflection` is for templates that fit points; the template "
                f"{self.name} fits none. Leave it out. Received: "
                "reflection=True"
            )
