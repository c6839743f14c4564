"""Base of the callbacks that embed photos at the end of an epoch."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_hypersphere import arguments
from keras_hypersphere.callbacks import anatomy


class Measurement(keras.callbacks.Callback):
    """Measures in the first epoch, in each `every`-th after it, in the last.

    A subclass says `measured(epoch)`: the numbers by their names in the
    logs, without the prefix.
    """

    def __init__(self, every: int, batch_size: int, prefix: str) -> None:
        super().__init__()
        self.every = arguments.positive_integer("every", every)
        self.batch_size = arguments.positive_integer("batch_size", batch_size)
        if not isinstance(prefix, str):
            raise ValueError(
                f"`prefix` must be a string. Received: prefix={prefix!r}."
            )
        self.prefix = prefix
        self.report: Any = None
        self.epochs_seen = 0
        self.warned: set[str] = set()

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self.parts = anatomy.dissect(model)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.epochs_seen = 0
        self.warned.clear()

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        due = self.epochs_seen % self.every == 0
        self.epochs_seen += 1
        last = (self.params or {}).get("epochs") == epoch + 1
        if logs is None or not (due or last):
            return
        # On JAX, asking for the model puts the weights where we find them.
        _ = self.model
        for name, value in self.measured(epoch).items():
            logs[self.prefix + name] = value

    def measured(self, epoch: int) -> dict[str, float]:
        """Numbers of the model as it is, by name."""
        raise NotImplementedError

    def embed(self, photos: Any) -> np.ndarray:
        """Embeddings of what the backbone takes."""
        photos = anatomy.images(photos, self.parts)
        found = self.parts.embedder.predict(
            photos, batch_size=self.batch_size, verbose=0
        )
        return np.asarray(found)

    def warn(self, what: str, text: str) -> None:
        """Says something once a training."""
        if what not in self.warned:
            self.warned.add(what)
            warnings.warn(text, stacklevel=4)

    def warn_of_divergence(self, what: str, name: str, epoch: int) -> None:
        """Says that embeddings are not finite."""
        self.warn(
            "divergence",
            f"Embeddings of {what} are NaN or infinite in epoch {epoch + 1}"
            f", so that `{self.prefix}{name}` and its like are NaN. "
            "Training has diverged: start again with a smaller learning rate.",
        )
