"""How faces are looked for: detector, sizes, confidence, turns."""

import dataclasses
import math
import numbers
from collections.abc import Callable

import cv2
import numpy as np

from keras_hypersphere.zoo.alignment import mtcnn_detector, yunet
from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.selection import check_rule

Find = Callable[[np.ndarray, float], np.ndarray]
# What finds faces, and how confident it must be if nobody says.
DETECTORS: dict[str, tuple[Find, float]] = {
    "yunet": (yunet.find, 0.6),
    "mtcnn": (mtcnn_detector.find, 0.0),
}
TURNS: tuple[str | int, ...] = ("auto", 0, 90, 180, 270)
# Larger photos are searched at this size: time and memory grow with the area.
LONGEST_SIDE = 2048
# A face must have so many pixels where it is looked for; landmarks of faces
# this small are coarse, so a photo is not searched at less than 640.
SMALLEST, SHORTEST_SIDE = 10, 640
# YuNet's confidence in the best face of a photo. Of 150 photos of LFW the
# least sure upright one had 0.895, blurred 0.871; the surest of those that
# were turned 0.905, by at least 0.026 less than the same photo upright.
UPRIGHT = 0.91
TURNED, CLEARLY = 0.85, 0.02


@dataclasses.dataclass(frozen=True)
class FaceDetector:
    """Finds the faces of a photo, and their five landmarks.

    A photo larger than 2,048 pixels is searched at that size, where a face
    needs about 10 pixels. `min_size` says which faces matter: they decide
    the size that is searched, at least 640 pixels.

    A camera that was held sideways leaves photos that are not upright, and
    where no EXIF says so, a detector finds false faces in them. So where
    YuNet is not sure of the best face, the photo is tried at the other three
    turns too. A turn that is clearly better is taken, and `Face.turn` tells.

    Args:
        name: `"yunet"`, OpenCV's, or `"mtcnn"`, PyPI's, which the papers'
            protocols name; it is 40 times as slow and tries no turns.
        min_confidence: Less confident faces are left out. Default: 0.6 for
            YuNet, mtcnn's own.
        min_size: Faces whose box has a shorter side are left out, in pixels
            of the photo. Default: whatever is found at 2,048 pixels.
        turn: By how many degrees counter-clockwise the photo must be turned
            to stand upright: 0, 90, 180 or 270. Default: `"auto"`, found
            out.

    Raises:
        ValueError: If an argument is invalid.

    Example:

    >>> from pathlib import Path
    >>> samples = Path(kh.zoo.__file__).parent / "samples"
    >>> detect = kh.zoo.alignment.FaceDetector(min_size=40)
    >>> faces = detect(kh.zoo.images.read(samples / "eileen_collins.png"))
    >>> len(faces), faces[0].landmarks.shape, faces[0].turn
    (1, (5, 2), 0)
    """

    name: str = "yunet"
    min_confidence: float | None = None
    min_size: float | None = None
    turn: "str | int" = "auto"

    def __post_init__(self) -> None:
        check_rule("detector", self.name, tuple(DETECTORS))
        check_number("min_confidence", self.min_confidence, 1.0)
        check_number("min_size", self.min_size, math.inf)
        known = isinstance(self.turn, (str, int)) and self.turn in TURNS
        if isinstance(self.turn, bool) or not known:
            raise ValueError(
                "`turn` must be 'auto', 0, 90, 180 or 270. "
                f"Received: turn={self.turn!r}"
            )

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Finds the faces of an RGB uint8 photo: see `detect`."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(
                "`image` must be a uint8 array (height, width, 3), RGB. "
                f"Received: shape={image.shape}, dtype={image.dtype}"
            )
        if self.turn != "auto":
            return self.turned(image, int(self.turn))
        faces = self.turned(image, 0)
        if self.name != "yunet" or confidence(faces) >= UPRIGHT:
            return faces
        best = max(
            (self.turned(image, turn) for turn in (90, 180, 270)),
            key=confidence,
        )
        wins = confidence(best) >= max(TURNED, confidence(faces) + CLEARLY)
        return best if wins else faces

    def turned(self, image: np.ndarray, turn: int) -> list[Face]:
        """The faces of a photo that is turned first, where they lie in it."""
        upright = np.rot90(image, turn // 90)
        height, width = upright.shape[:2]
        longest = max(height, width)
        scale = LONGEST_SIDE / longest
        if self.min_size is not None:
            scale = SMALLEST / max(self.min_size, 1.0)
        scale = min(1.0, max(scale, SHORTEST_SIDE / longest))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = (
            cv2.resize(upright, size, interpolation=cv2.INTER_AREA)
            if scale < 1.0
            else upright
        )
        find, usual = DETECTORS[self.name]
        least = usual if self.min_confidence is None else self.min_confidence
        rows = find(np.ascontiguousarray(small), least).astype(np.float64)
        stretch = np.array([width / size[0], height / size[1]])
        faces = [
            face_of(row, stretch, image.shape, turn)
            for row in rows
            if row[2] > 0 and row[3] > 0 and np.isfinite(row).all()
        ]
        return [face for face in faces if min(face.box[2:]) >= self.least_side]

    @property
    def least_side(self) -> float:
        """The shorter side that a box must have."""
        return 0.0 if self.min_size is None else self.min_size


def check_number(name: str, value: object, most: float) -> None:
    """Refuses what is not None and no number from 0 to `most`."""
    usable = value is None or (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and 0.0 <= float(value) <= most
        and math.isfinite(float(value))
    )
    if not usable:
        limit = f"from 0 to {most:g}" if math.isfinite(most) else "0 or more"
        raise ValueError(
            f"`{name}` must be None or a number {limit}. "
            f"Received: {name}={value!r}"
        )


def confidence(faces: list[Face]) -> float:
    """That of the best face, 0 where there is none."""
    return faces[0].confidence if faces else 0.0


def face_of(
    row: np.ndarray, stretch: np.ndarray, shape: tuple[int, ...], turn: int
) -> Face:
    """Turns a row of a detector into a face of the full-size photo."""
    # Pixel 0's center stays half a pixel from the edge.
    points = np.stack([row[5:10], row[10:15]], axis=1)
    points = (points + 0.5) * stretch - 0.5
    corner = (row[:2] + 0.5) * stretch - 0.5
    corners = np.stack([corner, corner + row[2:4] * stretch])
    points, corners = (turn_back(x, shape, turn) for x in (points, corners))
    left, top = corners.min(axis=0).tolist()
    width, height = np.ptp(corners, axis=0).tolist()
    return Face((left, top, width, height), points, float(row[4]), turn)


def turn_back(
    points: np.ndarray, shape: tuple[int, ...], turn: int
) -> np.ndarray:
    """Where points of the turned photo lie in the photo itself."""
    x, y = points.T
    right, bottom = shape[1] - 1, shape[0] - 1
    return np.stack(
        {
            0: (x, y),
            90: (right - y, x),
            180: (right - x, bottom - y),
            270: (y, bottom - x),
        }[turn],
        axis=1,
    )
