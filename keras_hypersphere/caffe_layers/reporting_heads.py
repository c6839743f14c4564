"""Margin heads that also give lambda, as Caffe's layers do."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.l_softmax import LSoftmax
from keras_hypersphere.layers.margin_head import MarginHead


class ReportingHead(MarginHead):
    """Logits, and the annealing's value of this call, of shape `(1,)`."""

    def call(
        self, inputs: Any, labels: Any = None, training: bool | None = None
    ) -> Any:
        logits = super().call(inputs, labels=labels, training=training)
        # Before any training, what its first step will see.
        return logits, ops.reshape(self.annealing_now(), (1,))

    def compute_output_shape(
        self, inputs_shape: Any, labels_shape: Any = None
    ) -> Any:
        return super().compute_output_shape(inputs_shape), (1,)

    def compute_output_spec(
        self, inputs: Any, labels: Any = None, training: bool | None = None
    ) -> Any:
        shape = (inputs.shape[0], self.units)
        return (
            keras.KerasTensor(shape, dtype=self.upcast_dtype),
            keras.KerasTensor((1,), dtype=self.upcast_dtype),
        )


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ReportingASoftmax(ReportingHead, ASoftmax):
    """`kh.layers.ASoftmax` with the two tops of `MarginInnerProduct`."""


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ReportingLSoftmax(ReportingHead, LSoftmax):
    """`kh.layers.LSoftmax` with those of `LargeMarginInnerProduct`."""
