"""Finds faces and their five landmarks."""

import functools

import cv2
import numpy as np

from keras_hypersphere.zoo.alignment.face import Face

# Larger photos are searched at this size: time and memory grow with the
# area, and a face of 20 pixels here still has 40 in a photo twice as large.
LONGEST_SIDE = 2048


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
    return [
        face_of(row, stretch)
        for row in finder()(np.ascontiguousarray(small))
        if row[2] > 0 and row[3] > 0 and np.isfinite(row).all()
    ]


def face_of(row: np.ndarray, stretch: np.ndarray) -> Face:
    """Turns a row of the detector into a face of the full-size photo."""
    row = row.astype(np.float64)
    # Pixel 0's center stays half a pixel from the edge.
    points = np.stack([row[5:10], row[10:15]], axis=1)
    points = (points + 0.5) * stretch - 0.5
    corner = (row[:2] + 0.5) * stretch - 0.5
    return Face(
        box=tuple(float(x) for x in (*corner, *(row[2:4] * stretch))),
        landmarks=points,
        confidence=float(row[4]),
    )


@functools.cache
def finder():  # noqa: ANN201  a function: image -> rows
    """The function that finds faces under the current Keras backend."""
    import keras

    if keras.config.backend() == "tensorflow":
        from keras_hypersphere.zoo.alignment import detector

        return detector.find
    from keras_hypersphere.zoo.alignment.worker import DetectorProcess

    return DetectorProcess().find
