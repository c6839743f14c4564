"""PyPI's mtcnn, one instance for the process, silent.

It is written with tf.keras and works only where Keras runs on TensorFlow;
see `worker.py` for the other backends.
"""

import contextlib
import functools
import io
import threading

import numpy as np

# A row: left, top, width, height, confidence, then five x and five y.
COLUMNS = 15
# One photo at a time: stdout and the detector belong to the whole process.
LOCK = threading.Lock()


@functools.cache
def mtcnn():  # noqa: ANN201  the class is imported late
    """The detector; seconds to build, hence built once."""
    from mtcnn import MTCNN

    return MTCNN()


def find(image: np.ndarray) -> np.ndarray:
    """Finds faces in an RGB uint8 image.

    Returns:
        (faces, 15) float32 array, the most confident face first.
    """
    # Whatever the detector has to say, it is not the caller's result.
    with LOCK, contextlib.redirect_stdout(io.StringIO()):
        rows = mtcnn().detect_faces(
            image, box_format="xywh", output_type="numpy"
        )
    # An empty answer has any shape; the first column counts the images.
    rows = np.asarray(rows, np.float32).reshape(-1, COLUMNS + 1)[:, 1:]
    return rows[np.argsort(-rows[:, 4], kind="stable")]
