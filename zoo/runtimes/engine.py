"""What engines have in common that compute a copy of the network."""

import abc
import importlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_hypersphere.zoo.loading.network import Network
from keras_hypersphere.zoo.runtimes.forks import require_own_process
from keras_hypersphere.zoo.runtimes.preprocessing import (
    as_planes,
    preprocess_input,
)

Run = Callable[[np.ndarray], np.ndarray]


class Engine(abc.ABC):
    """Runs a copy of the network, made at the start of its first run.

    The copy is the card's file where the engine reads that, and otherwise
    the Keras model, exported by way of TensorFlow. Where the weights have
    changed since, the next run makes another.

    Args:
        network: The network.

    Raises:
        ImportError: If a library is not installed.
        ValueError: If the network cannot be copied here.
    """

    # As in `FaceEmbedder(runtime=...)`; what must be installed to read a
    # file, and to export a model; batches that are computed side by side.
    name: str
    libraries: tuple[str, ...]
    exporters: tuple[str, ...] = ()
    workers = 1

    def __init__(self, network: Network) -> None:
        self.network = network
        needed = self.libraries
        if network.file is None:
            self.require_export()
            needed += self.exporters
        for library in needed:
            try:
                importlib.import_module(library)
            except ImportError as error:
                raise ImportError(
                    f"`runtime={self.name!r}` needs {library} "
                    f"({error}): `pip install keras-hypersphere[runtime]`."
                ) from error
        self.run: Run | None = None
        self.fresh: Callable[[], bool] = lambda: False

    def require_export(self) -> None:
        """Raises where no Keras model can be copied."""
        import keras

        backend = keras.config.backend()
        if backend != "tensorflow":
            raise ValueError(
                f"`runtime={self.name!r}` copies the network by way of "
                "TensorFlow: set KERAS_BACKEND=tensorflow, or take "
                f"`runtime='keras'`. Received: Keras on {backend}"
            )

    def start(self) -> "Engine":
        """Makes the copy, unless it is there and still the network."""
        if self.name != "opencv":
            require_own_process(self.name)
        if self.run is None or not self.fresh():
            network, file = self.network, self.network.file
            if file is not None:
                read = self.read(file)
                self.fresh = lambda: network.file is not None
                self.run = lambda x: read(as_planes(x, network.card))
            else:
                from keras_hypersphere.zoo.loading.weights_watch import (
                    WeightsWatch,
                )

                self.require_export()
                # Watched before it is copied: no change goes unseen.
                watch = WeightsWatch(network.model)
                copy = self.export()
                self.fresh = lambda: not watch.changed()
                self.run = lambda x: copy(preprocess_input(x, network.card))
        return self

    def __call__(self, crops: np.ndarray) -> np.ndarray:
        if self.run is None:
            self.start()
        return self.run(crops)

    @abc.abstractmethod
    def read(self, path: Path) -> Run:
        """Reads an ONNX file; returns what runs it on planes of pixels."""

    def export(self) -> Run:
        """Copies the Keras model; returns what runs it on its input."""
        raise NotImplementedError
