"""PyPI's mtcnn, one instance for the process, silent.

It is written with tf.keras and works only where Keras runs on TensorFlow;
see `worker.py` for the other backends.
"""

import contextlib
import functools
import io
import threading
from typing import Any

import numpy as np

# A row: left, top, width, height, confidence, then five x and five y.
COLUMNS = 15
# One photo at a time: stdout and the detector belong to the whole process.
LOCK = threading.Lock()


@functools.cache
def mtcnn() -> Any:
    """The detector; seconds to build, hence built once."""
    from mtcnn import MTCNN

    return MTCNN()


def search(photos: np.ndarray) -> np.ndarray:
    """Finds faces in RGB uint8 pixels.

    Args:
        photos: (height, width, 3), one photo, or (n, height, width, 3).

    Returns:
        (faces, 15) float32 array, the most confident face first; of several
        photos (faces, 16), with the number of its photo before each face.
    """
    alone = photos.ndim == 3
    # Whatever the detector has to say, it is not the caller's result.
    with LOCK, contextlib.redirect_stdout(io.StringIO()):
        rows = mtcnn().detect_faces(
            photos if alone else list(photos),
            box_format="xywh",
            output_type="numpy",
        )
    # An empty answer has any shape; the first column counts the images.
    rows = np.asarray(rows, np.float32).reshape(-1, COLUMNS + 1)
    rows = rows[np.argsort(-rows[:, 5], kind="stable")]
    return rows[:, 1:] if alone else rows
