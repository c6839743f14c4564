"""What runtimes have in common that compute a copy of the network."""

import abc
import importlib
from collections.abc import Callable

import keras
import numpy as np

from keras_hypersphere.zoo.runtimes.weights_watch import WeightsWatch

Run = Callable[[np.ndarray], np.ndarray]


class Exported(abc.ABC):
    """Runs a copy of the network, made at the first batch.

    Where the model's weights have changed since, `renew` drops the copy, and
    the next batch makes another.

    Args:
        model: The network.

    Raises:
        ImportError: If a library is not installed.
        ValueError: If Keras does not run on TensorFlow, by which networks are
            copied.
    """

    # As in `FaceEmbedder(runtime=...)`, and what must be installed.
    name: str
    libraries: tuple[str, ...]

    def __init__(self, model: keras.Model) -> None:
        backend = keras.config.backend()
        if backend != "tensorflow":
            raise ValueError(
                f"`runtime={self.name!r}` copies the network by way of "
                "TensorFlow: set KERAS_BACKEND=tensorflow, or take "
                f"`runtime='keras'`. Received: Keras on {backend}"
            )
        for library in self.libraries:
            try:
                importlib.import_module(library)
            except ImportError as error:
                raise ImportError(
                    f"`runtime={self.name!r}` needs {library} "
                    f"({error}): `pip install keras-hypersphere[runtime]`."
                ) from error
        self.model = model
        self.run: Run | None = None
        self.watch: WeightsWatch | None = None

    @abc.abstractmethod
    def export(self) -> Run:
        """Copies the network; returns what runs the copy."""

    def make(self) -> None:
        """Makes the copy, unless it is there."""
        if self.run is None:
            # Watched before it is copied: no change goes unseen.
            self.watch = WeightsWatch(self.model)
            self.run = self.export()

    def renew(self) -> bool:
        """Drops a copy whose original has changed. Returns whether it did."""
        if self.run is None or not self.watch.changed():
            return False
        self.run = self.watch = None
        return True

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.make()
        return self.run(x)
