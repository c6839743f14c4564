"""Caffe's `SoftmaxWithLoss` as a layer."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy

NORMALIZATIONS = ("full", "valid", "batch_size", "none")
# Where a float32 probability underflows, Caffe's loss ends.
UNDERFLOW = float(-np.log(np.finfo("float32").tiny, dtype="float64"))


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class SoftmaxLoss(UpcastLayer):
    """Cross-entropy of logits along an axis, summed and normalized.

    Every position besides the axis is a sample with a label of its own. The
    sum is divided by the number of samples (`"full"`), of samples whose
    label is not `ignore_class` (`"valid"`; with weights, their sum), of
    images (`"batch_size"`), or by nothing (`"none"`), but at least by 1.

    Args:
        axis: int, the axis of the classes.
        normalization: one of the words above.
        ignore_class: int or None, a label without a loss.

    Call arguments:
        inputs: logits.
        labels: one whole number for each position, of any shape.
        weights: None, or one for each label; no gradient flows to them.
    """

    def __init__(
        self,
        axis: int = -1,
        normalization: str = "valid",
        ignore_class: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.normalization = arguments.choice(
            "normalization", normalization, NORMALIZATIONS
        )
        self.ignore_class = ignore_class
        self.loss = SoftmaxCrossEntropy(
            ignore_class=ignore_class, maximum=UNDERFLOW, reduction="sum"
        )

    def call(self, inputs: Any, labels: Any, weights: Any = None) -> Any:
        logits = ops.moveaxis(self.upcast(inputs), self.axis, -1)
        rows = ops.reshape(logits, (-1, logits.shape[-1]))
        labels = ops.reshape(labels, (-1,))
        if weights is not None:
            weights = ops.stop_gradient(ops.reshape(weights, (-1,)))
        total = self.loss(labels, rows, sample_weight=weights)
        if self.normalization == "none":
            return total
        if self.normalization == "batch_size":
            count = ops.cast(ops.shape(inputs)[0], total.dtype)
        elif self.normalization == "full":
            count = ops.cast(ops.shape(rows)[0], total.dtype)
        else:
            count = ops.ones_like(rows[:, 0]) if weights is None else weights
            if self.ignore_class is not None:
                kept = ops.not_equal(labels, self.ignore_class)
                count = ops.where(kept, count, ops.zeros_like(count))
            count = ops.cast(ops.sum(count), total.dtype)
        return total / ops.maximum(count, 1.0)

    def compute_output_spec(
        self, inputs: Any, labels: Any, weights: Any = None
    ) -> Any:
        return keras.KerasTensor((), dtype=self.upcast_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "axis": self.axis,
            "normalization": self.normalization,
            "ignore_class": self.ignore_class,
        }
