"""Caffe's `ContrastiveLoss` of two branches."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import gradients


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class PairLoss(UpcastLayer):
    """Pulls pairs that are alike together, and others to a distance.

    With `d = |a - b|`, the mean over pairs of `d^2 / 2` where the label is
    not 0, else of `max(0, margin - d)^2 / 2`, or `max(0, margin - d^2) / 2`
    in the legacy version. Caffe's gradient divides by `d + 1e-4` where the
    derivative divides by `d`; so does this one.

    Args:
        margin: float.
        legacy: bool.

    Call arguments:
        inputs, others: `(N, d)` features of the two branches.
        labels: `(N,)`, whether a pair is alike.
    """

    def __init__(
        self, margin: float = 1.0, legacy: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.margin = arguments.number("margin", margin)
        self.legacy = arguments.flag("legacy", legacy)

    def call(self, inputs: Any, others: Any, labels: Any) -> Any:
        away = self.upcast(inputs) - self.upcast(others)
        squared = ops.sum(ops.square(away), axis=-1)
        alike = ops.not_equal(ops.reshape(labels, (-1,)), 0)
        if self.legacy:
            gap = ops.maximum(self.margin - squared, 0.0)
            value, slope = gap, -ops.cast(gap > 0, squared.dtype)
        else:
            distance = ops.sqrt(ops.stop_gradient(squared))
            gap = ops.maximum(self.margin - distance, 0.0)
            value, slope = ops.square(gap), -gap / (distance + 1e-4)
        slope = ops.where(alike, ops.ones_like(slope), slope)
        value = ops.where(alike, squared, value)
        losses = gradients.straight_through(
            value, ops.stop_gradient(slope) * squared
        )
        return ops.mean(losses) / 2.0

    def compute_output_spec(self, inputs: Any, others: Any, labels: Any) -> Any:
        return keras.KerasTensor((), dtype=self.upcast_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "margin": self.margin,
            "legacy": self.legacy,
        }
