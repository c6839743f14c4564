"""Tells cheaply, and for certain, whether a model's weights have changed."""

from typing import Any

import keras
import numpy as np


class WeightsWatch:
    """Remembers the weights of a model, as long as they are the same.

    What TensorFlow has read from a variable never changes while somebody
    holds it: a variable that is assigned to, or trained, moves to other
    memory. So weights whose memory is where it was are what they were, which
    is known in a millisecond where hashing 90 MB takes ten. On the other
    backends they are compared with a copy.

    Args:
        model: The model.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.on_tensorflow = keras.config.backend() == "tensorflow"
        if not self.on_tensorflow:
            self.copies = [np.array(weight) for weight in model.get_weights()]
            return
        import tensorflow as tf

        variables = model.variables
        # One call for all: each by itself takes ten times as long.
        self.read = tf.function(
            lambda: [variable.value.read_value() for variable in variables],
            autograph=False,
        )
        self.held = self.read()
        self.places = [place(tensor) for tensor in self.held]

    def changed(self) -> bool:
        """Whether any weight was assigned to since this was made."""
        if self.on_tensorflow:
            return self.places != [place(tensor) for tensor in self.read()]
        now = self.model.get_weights()
        return not all(map(np.array_equal, self.copies, now))


def place(tensor: Any) -> int:
    """Where in memory the numbers of a tensor lie."""
    array = np.asarray(memoryview(tensor))
    return array.__array_interface__["data"][0]
