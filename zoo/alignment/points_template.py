"""A crop in which landmarks lie at given positions, by least squares."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from keras_hypersphere.zoo.alignment.face import Face, landmarks_of
from keras_hypersphere.zoo.alignment.least_squares import least_squares
from keras_hypersphere.zoo.alignment.template import Template


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class PointsTemplate(Template):
    """A crop in which landmarks lie at given positions, by least squares.

    Args:
        name, size, provenance: As of every `Template`.
        points: (points, 2) positions (x, y) in pixels of the crop, 0-based:
            (0, 0) is the center of the top left pixel. Five points: left
            eye, right eye, nose, left and right corner of the mouth, as the
            viewer sees them.

    Raises:
        ValueError: If `points` are not finite pairs, or `size` is not two
            positive integers.
    """

    points: np.ndarray

    def __post_init__(self) -> None:
        super().__post_init__()
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
        points.setflags(write=False)
        object.__setattr__(self, "points", points)

    def transform(
        self,
        face: "Face | np.ndarray",
        shape: Sequence[int] | None = None,
        reflection: bool = False,
    ) -> np.ndarray:
        """The least-squares similarity; see `similarity_transform`."""
        source = landmarks_of(face, self.points.shape)
        return least_squares(source, self.points, reflection)
