"""Activations divided by those of their neighbors."""

import functools
from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import bounds
from keras_hypersphere.ops.larger import larger
from keras_hypersphere.ops.narrowing import narrow


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class LocalResponseNormalization(UpcastLayer):
    """Divides activations by a power of their neighbors' squares (LRN).

    Across channels, with `n = size`:
    `y = x * (k + alpha / n * S) ^ -beta`, where `S` is the sum of `x^2` over
    the `n` channels around a channel, at the same place. Within a channel:
    `y = x * (1 + alpha / n^2 * S) ^ -beta`, where `S` runs over the `n` by
    `n` places around a place, in the same channel. Beyond the ends there are
    zeros, which count in `n`.

    It belongs to networks of 2012 to 2015, FaceNet's among them; batch
    normalization replaced it.

    Args:
        size: int, odd, number of neighbors along each axis, the cell itself
            among them. Defaults to `5`.
        alpha: float >= 0. Defaults to `1.0`.
        beta: float >= 0. Defaults to `0.75`.
        k: float >= 0. Defaults to `1.0`. Not used within a channel.
        within_channel: bool. Defaults to `False`, across channels.

        The defaults are Caffe's. AlexNet took `alpha=5e-4`, `k=2.0` in this
        formula (its own alpha, 1e-4, is not divided by `n`).

    Call arguments:
        inputs: float tensor, channels last.

    Input shape:
        `(N, ..., channels)`; `(N, height, width, channels)` within a
        channel.

    Output shape:
        The input's.

    dtype: computed in float32 under half policies, then cast to the compute
    dtype.

    Raises:
        ValueError: if an argument is not one of those above.

    Example:

    >>> layer = kh.layers.LocalResponseNormalization(size=1, beta=0.5)
    >>> y = layer(keras.ops.array([[3.0 ** 0.5, 0.0]]))
    >>> [round(float(v), 4) for v in y[0]]
    [0.866, 0.0]

    Reference:
        ImageNet Classification with Deep Convolutional Neural Networks
        (2012), section 3.3, and Caffe's `LRN`
        (https://caffe.berkeleyvision.org/tutorial/layers/lrn.html), which
        divides alpha by the number of neighbors and ignores `k` within a
        channel. `tf.nn.lrn` divides by nothing: its `alpha` is ours over
        `size`, its `depth_radius` is `(size - 1) / 2`.
    """

    def __init__(
        self,
        size: int = 5,
        alpha: float = 1.0,
        beta: float = 0.75,
        k: float = 1.0,
        within_channel: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = False
        self.size = arguments.positive_integer("size", size)
        if self.size % 2 == 0:
            raise ValueError(
                "`size` must be odd, with as many neighbors on either side. "
                f"Received: size={size}."
            )
        self.alpha = arguments.number("alpha", alpha, minimum=0.0)
        self.beta = arguments.number("beta", beta, minimum=0.0)
        self.k = arguments.number("k", k, minimum=0.0)
        self.within_channel = arguments.flag("within_channel", within_channel)
        self.input_spec = (
            keras.layers.InputSpec(ndim=4)
            if self.within_channel
            else keras.layers.InputSpec(min_ndim=2)
        )

    def call(self, inputs) -> Any:
        x = self.upcast(inputs)
        axes = (-3, -2) if self.within_channel else (-1,)
        k = 1.0 if self.within_channel else self.k
        # Squares and their powers leave the range of float32 long before
        # the result does, so each window is measured in units of `factor`,
        # its largest cell; a constant for the gradient, since the result
        # does not depend on it.
        # XLA multiplies by reciprocals, and those of numbers beyond 2^126
        # are too small for it.
        factor = bounds.at_most(ops.stop_gradient(ops.abs(x)), 2.0**126)
        factor = bounds.at_least(factor, k**0.5)
        total = None
        for axis in axes:
            cells = factor
            factor = functools.reduce(larger, self._windows(cells, axis))
            # Only a window of zeros with k = 0; its output is zero.
            factor = ops.where(factor > 0, factor, ops.ones_like(factor))
            if total is None:
                parts = [ops.square(v / factor) for v in self._windows(x, axis)]
            else:
                parts = [
                    t * ops.square(v / factor)
                    for t, v in zip(
                        self._windows(total, axis),
                        self._windows(cells, axis),
                        strict=True,
                    )
                ]
            total = sum(parts)
        total = (k / factor) / factor + (
            self.alpha / self.size ** len(axes)
        ) * total
        total = ops.where(ops.equal(total, 0), ops.ones_like(total), total)
        rest = factor ** (1.0 - 2.0 * self.beta)
        outputs = x / factor * total**-self.beta * rest
        return narrow(outputs, self.compute_dtype)

    def _windows(self, x, axis) -> list:
        """The neighbors of each cell along an axis, zeros at both ends."""
        rank, reach = len(x.shape), self.size // 2
        widths = [(0, 0)] * rank
        widths[axis] = (reach, reach)
        length = ops.shape(x)[axis]
        x = ops.pad(x, widths)
        cut = [slice(None)] * rank
        neighbors = []
        for first in range(self.size):
            cut[axis] = slice(first, first + length)
            neighbors.append(x[tuple(cut)])
        return neighbors

    def compute_output_shape(self, input_shape) -> tuple:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "alpha": self.alpha,
            "beta": self.beta,
            "k": self.k,
            "within_channel": self.within_channel,
        }
