"""PyPI's mtcnn (P-Net, R-Net, O-Net), one instance for the process, silent.

It is written with tf.keras and works only where Keras runs on TensorFlow;
elsewhere `worker.py` runs it in a process of its own.
"""

import contextlib
import functools
import io
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

# A row: left, top, width, height, confidence, then five x and five y.
COLUMNS = 15
# One photo at a time: stdout and the detector belong to the whole process.
LOCK = threading.Lock()


def find(image: np.ndarray, min_confidence: float) -> np.ndarray:
    """Finds faces in RGB uint8 pixels, on any Keras backend.

    Args:
        image: (height, width, 3).
        min_confidence: Less confident faces are left out; mtcnn itself
            leaves out those below 0.7 to 0.8 at each stage.

    Returns:
        (faces, 15) float32 array, the most confident face first.
    """
    rows = searcher()(image)
    return rows[rows[:, 4] >= min_confidence]


@functools.cache
def searcher() -> Callable[[np.ndarray], np.ndarray]:
    """What searches under the current Keras backend."""
    import keras

    if keras.config.backend() == "tensorflow":
        return search
    from keras_hypersphere.zoo.alignment.worker import DetectorProcess

    return DetectorProcess().search


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
