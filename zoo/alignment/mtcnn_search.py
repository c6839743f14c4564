"""PyPI's mtcnn (P-Net, R-Net, O-Net), one instance for the process, silent.

It is written with tf.keras and works only where Keras runs on TensorFlow.
"""

import contextlib
import functools
import io
import os
import threading
from typing import Any

import numpy as np

# A row: left, top, width, height, confidence, then five x and five y.
COLUMNS = 15
# One photo at a time: stdout and the detector belong to the whole process.
LOCK = threading.Lock()


@functools.cache
def mtcnn() -> Any:
    """The detector; seconds to build, hence built once.

    Raises:
        RuntimeError: If tf.keras is not Keras 3.
    """
    if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true"):
        raise RuntimeError(
            "`detector='mtcnn'` needs Keras 3, and TF_USE_LEGACY_KERAS asks "
            "for Keras 2: unset it, or take `detector='yunet'`. Received: "
            f"TF_USE_LEGACY_KERAS={os.environ['TF_USE_LEGACY_KERAS']}"
        )
    from mtcnn import MTCNN

    return MTCNN()


def search(photo: np.ndarray) -> np.ndarray:
    """Finds faces in (height, width, 3) RGB uint8 pixels, in this process.

    Photos go one by one: in a batch mtcnn moves boxes, and gives a whole
    batch up where one of its stages is left empty.

    Returns:
        (faces, 15) float32 array, the most confident face first.
    """
    # Whatever the detector has to say, it is not the caller's result.
    with LOCK, contextlib.redirect_stdout(io.StringIO()):
        rows = mtcnn().detect_faces(
            photo, box_format="xywh", output_type="numpy"
        )
    # An empty answer has any shape; the first column counts the images.
    rows = np.asarray(rows, np.float32).reshape(-1, COLUMNS + 1)[:, 1:]
    return rows[np.argsort(-rows[:, 4], kind="stable")]
