"""Finds faces and their five landmarks."""

import functools
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from keras_hypersphere.zoo.alignment.face import Face

# Larger photos are searched at this size: time and memory grow with the
# area, and a face of 20 pixels here still has 40 in a photo twice as large.
LONGEST_SIDE = 2048
# Pixels that are searched together: more take gigabytes, and no less time.
TOGETHER = 4_000_000


def detect(image: np.ndarray) -> list[Face]:
    """Finds the faces of a photo.

    The detector is PyPI's `mtcnn` (P-Net, R-Net, O-Net) with its own
    defaults, faces from 20 pixels on. It is built at the first call, which
    takes seconds. Where Keras runs on JAX or PyTorch it works in a process
    of its own (`worker.py`), as it needs Keras on TensorFlow.

    Args:
        image: (height, width, 3) uint8 array, RGB, upright: see
            `zoo.images.read`.

    Returns:
        The faces, the most confident first; an empty list if there is none.

    Raises:
        ValueError: If the image is not such an array.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "`image` must be a uint8 array (height, width, 3), RGB. "
            f"Received: shape={image.shape}, dtype={image.dtype}"
        )
    height, width = image.shape[:2]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    else:
        size, small = (width, height), image
    stretch = np.array([width / size[0], height / size[1]])
    return faces_of(finder()(np.ascontiguousarray(small)), stretch)


def detect_many(photos: Sequence[np.ndarray]) -> list[list[Face]]:
    """Finds the faces of several photos, those of one size together.

    On two cores that is four times as fast as one by one. A photo of its own
    size, or one larger than the detector searches, is searched alone; so is
    one in which a batch shows nothing, since the detector gives a whole
    batch up where one of its stages is left empty. The detector rounds boxes
    to pixels, so a batch may move a landmark by about one pixel where
    float32 noise tips a rounding (1 of 48 faces measured).

    Args:
        photos: (height, width, 3) uint8 arrays as in `detect`.

    Returns:
        The faces of each photo, the most confident first.

    Raises:
        ValueError: If a photo is not such an array.
    """
    found: list[list[Face]] = [[] for _ in photos]
    for places in by_shape(photos):
        if len(places) > 1:
            rows = finder()(np.stack([photos[place] for place in places]))
            for number, place in enumerate(places):
                own = rows[rows[:, 0] == number, 1:]
                found[place] = faces_of(own, np.ones(2))
        for place in places:
            found[place] = found[place] or detect(photos[place])
    return found


def by_shape(photos: Sequence[np.ndarray]) -> list[list[int]]:
    """Groups the places of photos of one size, as many as go together."""
    groups: dict[object, list[int]] = {}
    for place, photo in enumerate(photos):
        # `detect` refuses what is not a photo.
        usual = photo.dtype == np.uint8 and photo.ndim == 3
        alone = not usual or max(photo.shape[:2]) > LONGEST_SIDE
        groups.setdefault(place if alone else photo.shape, []).append(place)
    return [
        places[start : start + count]
        for places in groups.values()
        for count in [max(1, TOGETHER // photos[places[0]][..., 0].size)]
        for start in range(0, len(places), count)
    ]


def faces_of(rows: np.ndarray, stretch: np.ndarray) -> list[Face]:
    """Turns the rows of a photo into faces; impossible boxes are left out."""
    return [
        face_of(row, stretch)
        for row in rows
        if row[2] > 0 and row[3] > 0 and np.isfinite(row).all()
    ]


def face_of(row: np.ndarray, stretch: np.ndarray) -> Face:
    """Turns a row of the detector into a face of the full-size photo."""
    row = row.astype(np.float64)
    # Pixel 0's center stays half a pixel from the edge.
    points = np.stack([row[5:10], row[10:15]], axis=1)
    points = (points + 0.5) * stretch - 0.5
    left, top = ((row[:2] + 0.5) * stretch - 0.5).tolist()
    width, height = (row[2:4] * stretch).tolist()
    return Face(
        box=(left, top, width, height),
        landmarks=points,
        confidence=float(row[4]),
    )


@functools.cache
def finder() -> Callable[[np.ndarray], np.ndarray]:
    """The function that finds faces under the current Keras backend."""
    import keras

    if keras.config.backend() == "tensorflow":
        from keras_hypersphere.zoo.alignment import detector

        return detector.search
    from keras_hypersphere.zoo.alignment.worker import DetectorProcess

    return DetectorProcess().search
