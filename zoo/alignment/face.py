"""One detected face."""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Face:
    """A face in a photo, in 0-based pixel coordinates of the photo.

    Args:
        box: (left, top, width, height).
        landmarks: (5, 2) positions (x, y): left eye, right eye, nose, left
            and right corner of the mouth, as the viewer sees them.
        confidence: The detector's, 0 to 1.
        turn: By how many degrees counter-clockwise the photo must be turned
            for the face to stand upright. Left and right are meant so.
    """

    box: tuple[float, float, float, float]
    landmarks: np.ndarray
    confidence: float
    turn: int = 0

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return self.box[2] * self.box[3]

    @property
    def center(self) -> tuple[float, float]:
        """Center (x, y) of the box."""
        left, top, width, height = self.box
        return left + width / 2.0, top + height / 2.0

    def as_dict(self) -> dict:
        """Plain numbers and lists, for JSON."""
        return {
            "box": [round(float(x), 3) for x in self.box],
            "landmarks": np.round(self.landmarks, 3).astype(float).tolist(),
            "confidence": round(float(self.confidence), 6),
            "turn": self.turn,
        }


def landmarks_of(
    face: "Face | np.ndarray", shape: tuple[int, int]
) -> np.ndarray:
    """The landmarks of a face, or those given, as float64.

    Raises:
        ValueError: If they are not finite, or of another shape.
    """
    points = face.landmarks if isinstance(face, Face) else face
    points = as_positions(points, "points")
    if points.shape != shape:
        raise ValueError(
            f"`points` must have the shape {shape} of the template. "
            f"Received: points of shape {points.shape}"
        )
    if not np.isfinite(points).all():
        raise ValueError(
            f"`points` must be finite. Received: points={points.tolist()}"
        )
    return points


def as_positions(values: np.ndarray, name: str) -> np.ndarray:
    """Numbers of any kind as float64.

    Raises:
        ValueError: If they are no numbers, or no array.
    """
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"`{name}` must be positions (x, y), numbers of shape (points, "
            f"2). Received: {name}={values!r}"
        ) from None
