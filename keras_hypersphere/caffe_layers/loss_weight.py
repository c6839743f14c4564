"""A blob as a part of what training minimizes: Caffe's `loss_weight`."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.added_loss import AddedLoss


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class LossWeight(AddedLoss):
    """Adds `weight * sum(inputs)` to the model's losses; returns the inputs.

    Args:
        weight: float, Caffe's `loss_weight` of this top.
    """

    def __init__(self, weight: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.weight = arguments.number("weight", weight)

    def call(self, inputs: Any) -> Any:
        loss = self.weight * ops.sum(self.upcast(inputs))
        self.add_replica_loss(loss)
        return inputs

    def compute_output_spec(self, inputs: Any) -> Any:
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight}
