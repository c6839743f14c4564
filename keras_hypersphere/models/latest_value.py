"""A metric for what is a state, not a mean."""

from typing import Any

import keras
from keras import ops

Tensor = Any


class LatestValue(keras.metrics.Metric):
    """Logs the last value that it was given, not a mean."""

    def __init__(self, name: str, dtype: str | None = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.value = self.add_variable(
            (), "zeros", aggregation="only_first_replica", name="value"
        )

    def update_state(self, value: Tensor) -> None:
        """Takes the value over."""
        self.value.assign(ops.cast(value, self.value.dtype))

    def result(self) -> Tensor:
        """The last value."""
        return ops.convert_to_tensor(self.value)
