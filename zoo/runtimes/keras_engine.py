"""The network in Keras, compiled."""

import numpy as np

from keras_hypersphere.zoo.loading.network import Network
from keras_hypersphere.zoo.runtimes.forks import require_own_process
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input


class KerasEngine:
    """Runs the network in Keras, on any backend.

    Batches are filled up to a power of two: each size is compiled once.

    Args:
        network: The network.
    """

    name = "keras"
    workers = 1

    def __init__(self, network: Network) -> None:
        self.network = network

    def start(self) -> "KerasEngine":
        """Makes the model, if that is not done yet."""
        require_own_process(self.name)
        self.network.model  # noqa: B018
        return self

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        x = preprocess_input(crops, self.network.card)
        count = len(x)
        size = 1 << (count - 1).bit_length()
        x = np.concatenate([x, np.zeros((size - count, *x.shape[1:]), x.dtype)])
        return np.asarray(self.network.model.predict_on_batch(x))[:count]
