"""The parts of a model's loss in its logs."""

from typing import Any

import keras
from keras import ops

Tensor = Any


class LossComponents:
    """Means over samples, as Keras has one for the whole loss.

    No attribute that Keras would track: compiling again replaces it.
    """

    def __init__(self, loss: Any, added: list[str]) -> None:
        self.data = None if loss is None else log_name(loss)
        names = [] if loss is None else [self.data]
        self.trackers = [
            keras.metrics.Mean(name=name) for name in [*names, *added]
        ]

    def update(self, values: dict[str, Tensor], size: Tensor | int) -> None:
        """Takes the means over a batch of `size` samples on this replica."""
        for tracker in self.trackers:
            if tracker.name in values:
                value = ops.stop_gradient(values[tracker.name])
                tracker.update_state(value, sample_weight=size)


def log_name(part: Any) -> str:
    """The name of a layer or a loss, of a function, or a string itself.

    Without the number that Keras puts behind an automatic name: the second
    model of a session logs what the first did.
    """
    name = getattr(part, "name", None) or getattr(part, "__name__", part)
    if not isinstance(name, str) or not name.isidentifier():
        return "data_loss"
    bare = name.rstrip("0123456789").rstrip("_")
    automatic = bare.replace("_", "") == type(part).__name__.lower()
    return bare if automatic else name
