"""AM-Softmax, also known as CosFace: a margin subtracted from the cosine."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.layers.cosine_head import MarginCosineHead
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class AMSoftmax(MarginCosineHead):
    """Class logits with an additive margin on the cosine (CosFace).

    `f_j = scale * cos(theta_j)`, with theta_j the angle between x and column
    j of the kernel. In training with labels, the target class y gets
    `f_y = scale * (cos(theta_y) - margin / (1 + lambda))`, where `lambda` is
    the value of `annealing`, or 0 without one.

    Put it behind a dense layer without activation, and follow it with a
    softmax cross-entropy from logits. Unlike an angular margin it trains from
    scratch without an annealing.

    Args:
        units: int, number of classes.
        margin: float, subtracted from the target cosine. Defaults to `0.35`; a
            negative one makes the target easier.
        scale: float > 0, multiplies all logits. Defaults to `30.0`.
        annealing: `kh.schedules.LambdaAnnealing` that lets the margin grow,
            or None for the full margin at once. Defaults to None.
        gradient: `"exact"`, the derivative of the above, which
            `"straight-through"` equals; or `"caffe"`, as
            published: only cosines above the margin are lowered, the
            kernel's gradient passes its normalization unchanged, and a
            constraint renormalizes what is stored. Defaults to `"exact"`.
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

    >>> head = kh.layers.AMSoftmax(2, kernel_initializer="identity")
    >>> x = keras.ops.array([[3.0, 4.0]])
    >>> y = head(x, labels=keras.ops.array([0]), training=True)
    >>> [round(float(v), 3) for v in y[0]]
    [7.5, 24.0]
    >>> [round(float(v), 3) for v in head(x)[0]]
    [18.0, 24.0]

    Reference:
        Additive Margin Softmax for Face Verification (2018),
        https://arxiv.org/abs/1801.05599, and CosFace: Large Margin Cosine
        Loss for Deep Face Recognition (2018),
        https://arxiv.org/abs/1801.09414. The papers always subtract the
        margin; the released Caffe (`LabelSpecificAdd`) leaves cosines of at
        most the margin as they are, and adds 1e-6 in its norms, which we do
        not. Its schedule for the margin is not ours.
    """

    def __init__(
        self,
        units: int,
        margin: float = 0.35,
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

    def with_margin(
        self,
        cosine: Any,
        annealing_value: Any,
        x: Any = None,
        labels: Any = None,
    ) -> Any:
        margin = self.margin
        if annealing_value is not None:
            margin = margin / (1.0 + annealing_value)
        lowered = cosine - margin
        if self.gradient == "caffe":
            return ops.where(cosine > margin, lowered, cosine)
        return lowered
