"""A crop: its size, and where the landmarks of a face lie in it."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Template:
    """A crop of a face: size and landmark positions.

    Args:
        name: The name under which `TEMPLATES` holds it.
        points: (points, 2) positions (x, y) in pixels of the crop, 0-based:
            (0, 0) is the center of the top left pixel. Five points: left
            eye, right eye, nose, left and right corner of the mouth, as the
            viewer sees them.
        size: (height, width) of the crop in pixels.
        provenance: Where the numbers come from.

    Raises:
        ValueError: If `points` are not finite pairs or `size` not two
            positive integers.
    """

    name: str
    points: np.ndarray
    size: tuple[int, int]
    provenance: str

    def __post_init__(self) -> None:
        points = np.array(self.points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
            raise ValueError(
                "`points` must have the shape (points, 2) with two points "
                f"or more. Received: points of shape {points.shape}"
            )
        if not np.isfinite(points).all():
            raise ValueError(
                f"`points` must be finite. Received: points={points.tolist()}"
            )
        size = tuple(self.size)
        if len(size) != 2 or not all(
            isinstance(side, int) and side > 0 for side in size
        ):
            raise ValueError(
                "`size` must be (height, width), two positive integers. "
                f"Received: size={self.size!r}"
            )
        points.setflags(write=False)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "size", size)
