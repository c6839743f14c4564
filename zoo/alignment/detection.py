"""Finds faces and their five landmarks."""

import numpy as np

from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.face_detector import FaceDetector


def detect(
    image: np.ndarray,
    detector: str = "yunet",
    min_confidence: float | None = None,
    min_size: float | None = None,
    turn: "str | int" = "auto",
) -> list[Face]:
    """Finds the faces of a photo.

    Args:
        image: (height, width, 3) uint8 array, RGB: see `zoo.images.read`.
        detector: `"yunet"` (4 ms for 250 x 250 pixels, on every backend) or
            `"mtcnn"`, PyPI's, of the papers' protocols. It is built at its
            first call, which takes seconds; where Keras runs on JAX or
            PyTorch it works in a process of its own.
        min_confidence: Less confident faces are left out. Default: 0.6 for
            YuNet, mtcnn's own.
        min_size: Faces whose box has a shorter side are left out, in pixels
            of the photo. It decides at which size a large photo is
            searched. Default: at 2,048 pixels, where faces of 10 are found.
        turn: By how many degrees counter-clockwise the photo must be turned
            to stand upright: 0, 90, 180 or 270. Default: `"auto"`, found
            out where YuNet is not sure of the best face.

    Returns:
        The faces, the most confident first; an empty list if there is none.
        Boxes and landmarks are those of the photo as it was given.

    Raises:
        ValueError: If the image is not such an array, or an argument is
            invalid.

    Example:

    >>> import numpy as np
    >>> from keras_hypersphere.zoo import alignment
    >>> alignment.detect(np.zeros((90, 120, 3), np.uint8))
    []
    """
    return FaceDetector(detector, min_confidence, min_size, turn)(image)
