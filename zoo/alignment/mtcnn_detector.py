"""PyPI's mtcnn on any backend of Keras.

It works only where Keras runs on TensorFlow: there `mtcnn_search.py` runs it
in this process, elsewhere `worker.py` in a process of its own.
"""

import functools
from collections.abc import Callable

import numpy as np

from keras_hypersphere.zoo.alignment.mtcnn_search import search
from keras_hypersphere.zoo.alignment.worker import DetectorProcess


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
    return DetectorProcess().search
