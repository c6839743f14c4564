"""Fast R-CNN's `SmoothL1Loss`, which moves boxes."""

import math
from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import gradients


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class SmoothL1Loss(UpcastLayer):
    """A square near 0, and a straight line away from it.

    With `d = inside (x - target)`, the sum over all entries of `outside f(d)`,
    over the number of samples:

    * `f(d) = (sigma d)^2 / 2` where `|d| < 1 / sigma^2`;
    * `f(d) = |d| - 1 / (2 sigma^2)` elsewhere.

    Inside weights alone, as in SSD and the first Fast R-CNN, count in the
    value and not in Caffe's gradient; nor do they here.

    Args:
        sigma: float.

    Call arguments:
        inputs, targets: `(N, ...)`.
        inside, outside: weights of the same shape, or None.
    """

    def __init__(self, sigma: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sigma = arguments.number("sigma", sigma)

    def call(
        self, inputs: Any, targets: Any, inside: Any = None, outside: Any = None
    ) -> Any:
        away = self.upcast(inputs) - self.upcast(targets)
        if inside is not None:
            weighted = ops.stop_gradient(self.upcast(inside)) * away
            if outside is None:
                weighted = gradients.straight_through(weighted, away)
            away = weighted
        square = self.sigma * self.sigma
        edge = 1.0 / square if square else math.inf
        size = ops.abs(away)
        losses = ops.where(
            size < edge, ops.square(away) * (square / 2.0), size - edge / 2.0
        )
        if outside is not None:
            losses = losses * ops.stop_gradient(self.upcast(outside))
        count = ops.cast(ops.shape(inputs)[0], self.upcast_dtype)
        return ops.sum(losses) / ops.maximum(count, 1.0)

    def compute_output_spec(
        self, inputs: Any, targets: Any, inside: Any = None, outside: Any = None
    ) -> Any:
        return keras.KerasTensor((), dtype=self.upcast_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sigma": self.sigma}
