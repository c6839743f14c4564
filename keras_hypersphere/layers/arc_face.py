"""ArcFace: a margin added to the angle."""

from typing import Any

import keras

from keras_hypersphere import arguments
from keras_hypersphere.layers.cosine_head import MarginCosineHead
from keras_hypersphere.ops import angles
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ArcFace(MarginCosineHead):
    """Class logits with an additive margin on the angle.

    `f_j = scale * cos(theta_j)`, with theta_j the angle between x and column
    j of the kernel. In training with labels, the target class y gets
    `f_y = scale * cos(theta_y + margin)`; beyond `theta_y = pi - margin`,
    where that would rise again,
    `f_y = scale * (cos(theta_y) - margin * sin(margin))`.

    Put it behind a dense layer without activation, and follow it with a
    softmax cross-entropy from logits.

    Args:
        units: int, number of classes.
        margin: float in [0, pi), in radians. Defaults to `0.5`, 28.6 degrees.
        scale: float > 0, multiplies all logits. Defaults to `64.0`.
        easy_margin: bool, whether only angles below pi/2 get the margin; all
            others keep their cosine. Defaults to `False`.
        annealing: `kh.schedules.LambdaAnnealing`, whose value weighs the
            plain cosine against the one with the margin: `(lambda *
            plain + shifted) / (1 + lambda)`; or None for the full margin at
            once. Defaults to None.
        gradient: `"exact"`, the derivative of the above;
            `"straight-through"`, the target's value as above, its slope that
            of the plain logit; or `"caffe"`: the kernel's gradient passes its
            normalization unchanged, and a constraint renormalizes what is
            stored. Defaults to `"exact"`.
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

    >>> head = kh.layers.ArcFace(2, scale=1.0, kernel_initializer="identity")
    >>> x = keras.ops.array([[3.0, 4.0]])
    >>> y = head(x, labels=keras.ops.array([0]), training=True)
    >>> [round(float(v), 4) for v in y[0]]
    [0.143, 0.8]
    >>> round(math.cos(math.acos(0.6) + 0.5), 4)
    0.143

    Reference:
        ArcFace: Additive Angular Margin Loss for Deep Face Recognition
        (2018), https://arxiv.org/abs/1801.07698. No arccos here: where the
        sine is lost in rounding, at parallel and opposite vectors, it and its
        gradient are zero, so nothing is infinite. The authors' current
        PyTorch code is `gradient="straight-through"`.
    """

    def __init__(
        self,
        units: int,
        margin: float = 0.5,
        scale: float = 64.0,
        easy_margin: bool = False,
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
        arguments.radians("margin", self.margin)
        self.easy_margin = arguments.flag("easy_margin", easy_margin)

    def harder(self, cosine: Any, x: Any, labels: Any) -> Any:
        return angles.shifted(cosine, self.margin, self.easy_margin)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "easy_margin": self.easy_margin}
