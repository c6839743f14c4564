"""L-Softmax: a margin that multiplies the angle, with free lengths."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.ops import angles, columns, gradients, products, sphere
from keras_hypersphere.ops.projections import length
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing

ANNEALING = LambdaAnnealing()


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class LSoftmax(MarginHead):
    """Class logits with a multiplicative angular margin, nothing normalized.

    `f_j = x.w_j = |x| |w_j| cos(theta_j)`, with theta_j the angle between x
    and column j of the kernel. In training with labels, the sample's own
    class y gets
    `f_y = |x| |w_y| (lambda cos(theta_y) + psi(theta_y)) / (1 + lambda)`,
    where `psi(theta) = (-1)^k cos(m theta) - 2k` on `[k pi/m, (k+1) pi/m]`
    falls from 1 to `1 - 2m`, and `lambda` is the value of `annealing`.

    It is `ASoftmax` without the normalization of the kernel. Put it behind a
    dense layer without activation, and follow it with a softmax
    cross-entropy from logits.

    Args:
        units: int, number of classes.
        margin: int >= 1, the m above. Defaults to `4`; 1 is no margin.
        annealing: `kh.schedules.LambdaAnnealing`, or None for the full
            margin at once. Defaults to `LambdaAnnealing()`, SphereFace's.
        gradient: `"exact"` or `"caffe"`, which are the same here: the
            published gradient is the derivative; or `"straight-through"`,
            the target's value as above, its slope that of the plain logit.
            Defaults to `"exact"`.
        margin_at_test: bool, whether labels bring the margin outside
            training too, as in Caffe. Defaults to `False`.
        ignore_class: int or None: samples of this class get no margin, and
            count in no loss of `kh.models.MarginModel`. Defaults to None.
        kernel_initializer: Defaults to `"unit_sphere"`.
        kernel_regularizer: Defaults to None.

    Call arguments:
        inputs: `(N, d)` float tensor.
        labels: None, or `(N,)` or `(N, 1)` class indices: integers, or
            floats that are whole.
        training: bool.

    Input shape:
        `(N, d)`

    Output shape:
        `(N, units)`

    dtype: float32 under every policy but float64, whose outputs are float64.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional or out of range.

    Example:

    >>> head = kh.layers.LSoftmax(2, margin=2, annealing=None,
    ...     kernel_initializer="identity")
    >>> x = keras.ops.array([[4.0, 3.0]])
    >>> y = head(x, labels=keras.ops.array([0]), training=True)
    >>> [round(float(v), 4) for v in y[0]]
    [1.4, 3.0]
    >>> [round(float(v), 4) for v in head(x)[0]]
    [4.0, 3.0]

    Reference:
        Large-Margin Softmax Loss for Convolutional Neural Networks (2016),
        https://arxiv.org/abs/1612.02295, and its Caffe layer
        `LargeMarginInnerProduct`. There the margin also acts in evaluation,
        the step counts those calls too and is not saved, and 1e-9 is added
        to `|x| |w|`; here zero vectors have zero logits. The paper's example
        on MNIST ends without the plain part:
        `LambdaAnnealing(1000.0, 2.5e-5, 35.0, 0.0)`.
    """

    unit_kernel = False
    passes_straight = True

    def __init__(
        self,
        units: int,
        margin: int = 4,
        annealing: LambdaAnnealing | None = ANNEALING,
        gradient: str = "exact",
        margin_at_test: bool = False,
        ignore_class: int | None = None,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            annealing=annealing,
            gradient=gradient,
            margin_at_test=margin_at_test,
            ignore_class=ignore_class,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            **kwargs,
        )
        self.margin = arguments.positive_integer("margin", margin)

    @property
    def has_margin(self) -> bool:
        return self.margin != 1

    def logits(self, x: Any, classes: Any = None) -> Any:
        return products.matmul(x, self.class_weights(classes))

    def apply_margin(
        self,
        logits: Any,
        x: Any,
        labels: Any,
        annealing_value: Any,
        training: bool | None,
        classes: Any = None,
    ) -> Any:
        if self.margin == 1:
            return logits
        own = self.target_mask(labels, classes)
        plain = columns.gather(logits, own)
        kernel = self.class_weights(classes)
        lengths = columns.gather(length(kernel, axis=0), own)
        target = self._target(x, plain, lengths, annealing_value)
        if self.gradient == "straight-through":
            target = gradients.straight_through(target, plain)
        return columns.scatter(logits, own, target)

    def _target(
        self, x: Any, plain: Any, w_length: Any, annealing_value: Any
    ) -> Any:
        """The target's logit, from `x.w` and `|w|`.

        With p = x.w, L = |x| |w| and c = p / L, the derivative of L psi(c) is
        psi'(c) dp + (psi(c) - c psi'(c)) dL. Both factors are bounded where
        1 / |x| is not, so the gradient is written out.
        """
        limit = float(np.finfo(self.upcast_dtype).max)
        weight = 0.0 if annealing_value is None else annealing_value
        factor, size, empty = sphere.split(x)
        empty = ops.logical_or(empty, w_length <= 0)
        w_safe = ops.where(empty, ops.ones_like(w_length), w_length)
        cosine = ops.stop_gradient(plain / factor / size / w_safe)
        psi = angles.psi(cosine, self.margin)
        slope = angles.psi_slope(cosine, self.margin)
        on_plain = (slope + weight) / (1.0 + weight)
        on_length = (psi - cosine * slope) / (1.0 + weight)
        mixed = (weight * cosine + psi) / (1.0 + weight)
        value = factor * (size * w_safe * mixed)
        # Zero in value, because their sum may overflow where `value` fits.
        along_x = sphere.normalize(x)[0] * w_safe * on_length
        along_w = ops.clip(factor * size * on_length, -limit, limit)
        gradient = (
            ops.stop_gradient(on_plain) * (plain - ops.stop_gradient(plain))
            + ops.stop_gradient(along_w)
            * (w_length - ops.stop_gradient(w_length))
            + ops.sum(
                ops.stop_gradient(along_x) * (x - ops.stop_gradient(x)),
                axis=-1,
                keepdims=True,
            )
        )
        target = gradients.straight_through(
            ops.clip(value, -limit, limit), gradient
        )
        # A zero vector has no angle: its logits are zero.
        return ops.where(empty, plain, target)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}
