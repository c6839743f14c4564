"""MagFace: a margin that grows with the length of the feature."""

import math
from typing import Any

import keras

from keras_hypersphere import arguments
from keras_hypersphere.layers.cosine_head import CosineHead
from keras_hypersphere.ops import angles, bounds
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class MagFace(CosineHead):
    """Class logits with a margin that grows with the feature's length.

    `f_j = scale * cos(theta_j)`, with theta_j the angle between x and column
    j of the kernel. With the length `a = clip(|x|, l_a, u_a)` and `m(a) = l_m
    + (u_m - l_m) (a - l_a) / (u_a - l_a)`, in training with labels the target
    class y gets `f_y = scale * cos(theta_y + m(a))` where `theta_y < pi / 2`,
    and `scale * cos(theta_y)` elsewhere. The head adds `regularization * (a /
    u_a^2 + 1 / a)` for each sample, which pulls features to length `u_a`.
    So a length says how good a photo is: easy faces grow long.

    Put it behind a dense layer without normalization, and follow it with a
    softmax cross-entropy from logits.

    Args:
        units: int, number of classes.
        scale: float > 0, multiplies all logits. Defaults to `64.0`.
        norm_range: pair of floats `0 < l_a < u_a`. Defaults to `(10, 110)`.
        margin_range: pair of floats `0 <= l_m <= u_m < pi / 2`, in radians.
            Defaults to `(0.45, 0.8)`.
        regularization: float >= 0, weight of the added loss. Defaults to
            `35.0`, as the authors train. `kh.theory.magface_regularization`
            is the least with which each sample has one best length.
        annealing: `kh.schedules.LambdaAnnealing`, whose value weighs the
            plain logits against those with the margin: `(lambda * plain +
            margin) / (1 + lambda)`; or None for the full margin at once.
            Defaults to None.
        gradient: `"exact"`, the derivative of the above, also by the length
            (zero outside of `norm_range`), or `"straight-through"`: the
            logit's value as above, its slope that of the plain cosine; the
            length then learns from the added loss alone. Defaults to
            `"exact"`.
        margin_at_test: bool, whether labels bring the margin outside
            training too. Defaults to `False`.
        ignore_class: int or None: samples of this class get no margin, and
            count in no loss. Defaults to None.
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

    >>> head = kh.layers.MagFace(2, scale=1.0, kernel_initializer="identity")
    >>> x = keras.ops.array([[36.0, 48.0]])
    >>> y = head(x, labels=keras.ops.array([0]), training=True)
    >>> [round(float(v), 4) for v in y[0]]
    [0.0185, 0.8]
    >>> round(math.cos(math.acos(0.6) + 0.625), 4)
    0.0185
    >>> round(float(head.losses[0]), 4)
    0.7569

    Reference:
        MagFace: A Universal Representation for Face Recognition and Quality
        Assessment (2021), https://arxiv.org/abs/2103.06627. The margin acts
        below pi / 2 alone, as the authors train (`easy_margin`). Their
        program's default weight, 20, is below their own bound of 22.6.
    """

    gradients = ("exact", "straight-through")

    def __init__(
        self,
        units: int,
        scale: float = 64.0,
        norm_range: tuple[float, float] = (10, 110),
        margin_range: tuple[float, float] = (0.45, 0.8),
        regularization: float = 35.0,
        annealing: LambdaAnnealing | None = None,
        gradient: str = "exact",
        margin_at_test: bool = False,
        ignore_class: int | None = None,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            scale=scale,
            annealing=annealing,
            gradient=gradient,
            margin_at_test=margin_at_test,
            ignore_class=ignore_class,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            **kwargs,
        )
        self.norm_range = arguments.interval("norm_range", norm_range)
        self.margin_range = arguments.interval("margin_range", margin_range)
        low, high = self.norm_range
        if not 0 < low < high:
            raise ValueError(
                "`norm_range` must be two lengths, the smaller first, both "
                f"above 0. Received: norm_range={norm_range!r}; the paper "
                "takes (10, 110)."
            )
        low, high = self.margin_range
        if not 0 <= low <= high < math.pi / 2:
            raise ValueError(
                "`margin_range` must be two angles in radians, the smaller "
                "first, in [0, pi / 2). "
                f"Received: margin_range={margin_range!r}; the paper takes "
                "(0.45, 0.8)."
            )
        self.regularization = arguments.number(
            "regularization", regularization, minimum=0.0
        )

    @property
    def has_margin(self) -> bool:
        return self.margin_range[1] > 0

    @property
    def adds_loss(self) -> bool:
        return self.regularization > 0

    def harder(self, cosine: Any, x: Any, labels: Any) -> Any:
        (shortest, longest), (least, most) = self.norm_range, self.margin_range
        slope = (most - least) / (longest - shortest)
        margin = least + slope * (self.clipped_lengths(x) - shortest)
        return angles.shifted(cosine, margin, easy=True)

    def clipped_lengths(self, x: Any) -> Any:
        """(N, 1) lengths of the features, within `norm_range`."""
        low, high = self.norm_range
        return bounds.at_most(bounds.at_least(self.lengths(x), low), high)

    def sample_losses(
        self, x: Any, labels: Any, logits: Any, training: bool | None
    ) -> Any:
        if not self.adds_loss:
            return None
        length = self.clipped_lengths(x)[:, 0]
        pull = length / self.norm_range[1] ** 2 + 1.0 / length
        return self.regularization * pull

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "norm_range": list(self.norm_range),
            "margin_range": list(self.margin_range),
            "regularization": self.regularization,
        }
