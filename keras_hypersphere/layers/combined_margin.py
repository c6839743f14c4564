"""The three margins of ArcFace's family in one head."""

import math
from typing import Any

import keras

from keras_hypersphere import arguments
from keras_hypersphere.layers.cosine_head import CosineHead
from keras_hypersphere.ops import angles
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class CombinedMargin(CosineHead):
    """Class logits with margins that multiply, add and subtract.

    `f_j = scale * cos(theta_j)`, with theta_j the angle between x and column
    j of the kernel. In training with labels, the target class y gets
    `f_y = scale * (cos(m1 theta_y + m2) - m3)`. Beyond `m1 theta_y + m2 =
    pi`, where the cosine would rise again, it falls on: with m1 = 1 along the
    line of `ArcFace`, otherwise as `(-1)^k cos(phi) - 2k` with `phi = m1
    theta_y + m2` and `k = floor(phi / pi)`.

    `(1, m, 0)` is `ArcFace`, `(1, 0, m)` `AMSoftmax` (CosFace), `(m, 0, 0)`
    `SphereFaceR`. Follow the head with a softmax cross-entropy from logits.

    Args:
        units: int, number of classes.
        margins: three floats `(m1, m2, m3)`: m1 > 0, m2 an angle in [0, pi)
            in radians, m3 any number. Defaults to `(1.0, 0.5, 0.0)`.
        scale: float > 0, multiplies all logits. Defaults to `64.0`.
        annealing: `kh.schedules.LambdaAnnealing`, whose value weighs the
            plain logits against those with the margin: `(lambda * plain +
            margin) / (1 + lambda)`; or None for the full margin at once.
            Defaults to None.
        gradient: `"exact"`, the derivative of the above, or
            `"straight-through"`: the value as above, the slope of the
            plain logits. Defaults to `"exact"`.
        margin_at_test: bool, whether labels bring the margin outside
            training too. Defaults to `False`.
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

    >>> head = kh.layers.CombinedMargin(2, margins=(0.9, 0.4, 0.15),
    ...     scale=1.0, kernel_initializer="identity")
    >>> x = keras.ops.array([[3.0, 4.0]])
    >>> y = head(x, labels=keras.ops.array([0]), training=True)
    >>> [round(float(v), 4) for v in y[0]]
    [0.1799, 0.8]
    >>> round(math.cos(0.9 * math.acos(0.6) + 0.4) - 0.15, 4)
    0.1799

    Reference:
        ArcFace: Additive Angular Margin Loss for Deep Face Recognition
        (2018), https://arxiv.org/abs/1801.07698, section 2.4. The authors'
        PyTorch class refuses m1 other than 1, and ignores m2 where m3 is
        set; here all three count. What happens beyond pi is ours: there the
        logit rises again.
    """

    gradients = ("exact", "straight-through")

    def __init__(
        self,
        units: int,
        margins: tuple[float, float, float] = (1.0, 0.5, 0.0),
        scale: float = 64.0,
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
        if not isinstance(margins, tuple | list) or len(margins) != 3:
            raise ValueError(
                "`margins` must be three numbers (m1, m2, m3). "
                f"Received: margins={margins!r}; (1.0, 0.5, 0.0) is ArcFace."
            )
        self.margins = tuple(arguments.number("margins", m) for m in margins)
        factor, shift, _ = self.margins
        if factor <= 0 or not 0 <= shift < math.pi:
            raise ValueError(
                "`margins` must have m1 above 0 and m2 in [0, pi), in "
                f"radians. Received: margins={margins!r}; for degrees, pass "
                "`math.radians(m2)`."
            )

    @property
    def has_margin(self) -> bool:
        return self.margins != (1.0, 0.0, 0.0)

    def harder(self, cosine: Any, x: Any, labels: Any) -> Any:
        factor, shift, lowered = self.margins
        if factor == 1.0:
            return angles.shifted(cosine, shift) - lowered
        return angles.stretched(cosine, factor, shift) - lowered

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margins": list(self.margins)}
