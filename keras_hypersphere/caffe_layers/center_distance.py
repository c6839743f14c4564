"""Center loss with its value as the output."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.backend import replicas
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.ops import centers
from keras_hypersphere.ops import labels as class_labels


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class CenterDistance(CenterLoss):
    """Caffe's `CenterLoss`: adds the loss as `kh.layers.CenterLoss` does.

    Its output is the loss before its weight, a number without a gradient.
    """

    def call(
        self, inputs: Any, labels: Any = None, training: bool | None = None
    ) -> Any:
        super().call(inputs, labels, training=training)
        x = self.widen(inputs)
        labels = class_labels.class_indices(labels, self.units, x.shape[0])
        own = centers.own_centers(
            ops.cast(self.centers, self.wide_dtype), labels
        )
        losses = ops.stop_gradient(centers.losses(x, own))
        return replicas.batch_mean(ops.sum(losses), ops.shape(x)[0])

    def compute_output_shape(
        self, inputs_shape: Any, labels_shape: Any = None
    ) -> Any:
        return ()

    def compute_output_spec(
        self, inputs: Any, labels: Any = None, training: bool | None = None
    ) -> Any:
        return keras.KerasTensor((), dtype=self.wide_dtype)
