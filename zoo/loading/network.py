"""A network by its file; as a Keras model only once somebody asks."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from keras_hypersphere.zoo.cards.card import Card

if TYPE_CHECKING:
    import keras

    from keras_hypersphere.zoo.loading.weights_watch import WeightsWatch

# Files that engines read by themselves, without Keras.
READABLE = ".onnx"


class Network:
    """A card, and what computes its embeddings: a file, a model, or both.

    Importing Keras and building a model takes seconds. Engines that read the
    card's file need neither.

    Args:
        card: How the network is used.
        model: The network, or None: it is made of the file.
        path: The card's file, already checked, or None.
    """

    def __init__(
        self,
        card: Card,
        model: "keras.Model | None" = None,
        path: Path | None = None,
    ) -> None:
        self.card = card
        self.path = path
        self.made = model
        self.watch: WeightsWatch | None = None
        self.lock = threading.Lock()

    @property
    def model(self) -> "keras.Model":
        """The Keras model; the first call makes it."""
        with self.lock:
            if self.made is None:
                path = self.path
                assert path is not None, "a network has a file or a model"
                from keras_hypersphere.zoo.loading.card_check import (
                    check_model,
                )
                from keras_hypersphere.zoo.loading.card_model import make_model
                from keras_hypersphere.zoo.loading.weights_watch import (
                    WeightsWatch,
                )

                model = make_model(self.card, path)
                check_model(model, self.card)
                if path.suffix == READABLE:
                    self.watch = WeightsWatch(model)
                self.made = model
            return self.made

    @property
    def file(self) -> Path | None:
        """A file that holds this network as it is now, for engines."""
        if self.path is None or self.path.suffix != READABLE:
            return None
        changed = self.watch is not None and self.watch.changed()
        return None if changed else self.path
