"""Center loss with its value as the output."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.head import HeadStep
from keras_hypersphere.ops import centers


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class CenterDistance(CenterLoss):
    """Caffe's `CenterLoss`: adds the loss as `kh.layers.CenterLoss` does.

    Its output is the loss before its weight, a number without a gradient.
    """

    def step(self, inputs: Any, labels: Any, training: bool | None) -> HeadStep:
        every = ops.cast(self.centers, self.upcast_dtype)
        own = centers.own_centers(every, labels)
        losses = centers.losses(self.upcast(inputs), own)
        made = super().step(inputs, labels, training)
        return made._replace(outputs=self.batch_mean(losses, labels))

    def compute_output_shape(
        self, inputs_shape: Any, labels_shape: Any = None
    ) -> Any:
        return ()

    def compute_output_spec(
        self, inputs: Any, labels: Any = None, training: bool | None = None
    ) -> Any:
        return keras.KerasTensor((), dtype=self.upcast_dtype)
