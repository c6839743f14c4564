"""SphereFace-R: a margin that multiplies the angle, for any real number."""

from typing import Any

import keras

from keras_hypersphere.layers.cosine_head import MarginCosineHead
from keras_hypersphere.ops import angles
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class SphereFaceR(MarginCosineHead):
    """Class logits with a multiplicative angular margin, all normalized.

    `f_j = scale * cos(theta_j)`, with theta_j the angle between x and column
    j of the kernel. In training with labels, the target class y gets
    `f_y = scale * psi(theta_y)`, where `psi(theta) = (-1)^k cos(m theta) -
    2k`, `k = floor(m theta / pi)`, falls from 1 to `psi(pi)`; m is any number
    from 1 on.

    It is `ASoftmax` with normalized features, a scale and a real margin.
    Follow it with a softmax cross-entropy from logits.

    Args:
        units: int, number of classes.
        margin: float >= 1, the m above. Defaults to `1.7`; 1 is no margin.
        scale: float > 0, multiplies all logits. Defaults to `30.0`.
        annealing: `kh.schedules.LambdaAnnealing`, whose value weighs the
            plain logits against those with the margin: `(lambda * plain +
            margin) / (1 + lambda)`; or None for the full margin at once.
            Defaults to None.
        gradient: `"exact"`, the derivative of the above, or
            `"straight-through"`, as the authors train: the target's value as
            above, its slope that of the plain logit. Defaults to `"exact"`.
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

    >>> head = kh.layers.SphereFaceR(2, scale=1.0,
    ...     kernel_initializer="identity")
    >>> x = keras.ops.array([[3.0, 4.0]])
    >>> y = head(x, labels=keras.ops.array([0]), training=True)
    >>> [round(float(v), 4) for v in y[0]]
    [-0.0056, 0.8]
    >>> round(math.cos(1.7 * math.acos(0.6)), 4)
    -0.0056

    Reference:
        SphereFace Revived: Unifying Hyperspherical Face Recognition (2022),
        https://arxiv.org/abs/2109.05565, and the authors' `opensphere`. There
        the kernel's gradient is that of unit columns and storage is
        renormalized; here it is projected. Its scale for MS1M is 64.
    """

    gradients = ("exact", "straight-through")

    def __init__(
        self,
        units: int,
        margin: float = 1.7,
        scale: float = 30.0,
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
            margin=margin,
            scale=scale,
            annealing=annealing,
            gradient=gradient,
            margin_at_test=margin_at_test,
            ignore_class=ignore_class,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            **kwargs,
        )
        if self.margin < 1:
            raise ValueError(
                "`margin` must be a number, at least 1: it multiplies the "
                f"angle. Received: margin={margin!r}; the authors take 1.7."
            )

    @property
    def has_margin(self) -> bool:
        return self.margin != 1

    def harder(self, cosine: Any, x: Any, labels: Any) -> Any:
        return angles.stretched(cosine, self.margin)
