"""CurricularFace: hard classes count more as training goes on."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.cosine_head import MarginCosineHead
from keras_hypersphere.ops import angles, columns
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class CurricularFace(MarginCosineHead):
    """Class logits with ArcFace's margin, and hard negatives ever heavier.

    `f_j = scale * cos(theta_j)`, with theta_j the angle between x and column
    j of the kernel. In training with labels, the target class y gets
    `f_y = scale * cos(theta_y + margin)`, beyond `pi - margin` the line of
    `ArcFace`. Another class j that is hard, `cos(theta_j) > cos(theta_y +
    margin)`, gets `f_j = scale * cos(theta_j) * (t + cos(theta_j))`.

    `t` begins at 0 and moves, before each training step's margin, by
    `momentum` to the mean target cosine of the batch, over all replicas. So
    hard classes are damped at first and amplified once the targets are near.
    Follow the head with a softmax cross-entropy from logits.

    Args:
        units: int, number of classes.
        margin: float in [0, pi), in radians. Defaults to `0.5`.
        scale: float > 0, multiplies all logits. Defaults to `64.0`.
        momentum: float in (0, 1], of `t`. Defaults to `0.01`.
        annealing: `kh.schedules.LambdaAnnealing`, whose value weighs the
            plain logits against those with the margin: `(lambda * plain +
            margin) / (1 + lambda)`; or None for the full margin at once.
            Defaults to None.
        gradient: `"exact"`, the derivative of the above with t and the choice
            of hard classes constant, or `"straight-through"`: the values as
            above, the slopes of the plain logits, also of hard classes.
            Defaults to `"exact"`.
        margin_at_test: bool, whether labels bring the margin outside
            training too. Defaults to `False`.
        ignore_class: int or None: samples of this class get no margin and do
            not move t, and count in no loss of `kh.models.MarginModel`.
            Defaults to None.
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

    >>> head = kh.layers.CurricularFace(2, scale=1.0, momentum=0.5,
    ...     kernel_initializer="identity")
    >>> x = keras.ops.array([[3.0, 4.0]])
    >>> y = head(x, labels=keras.ops.array([0]), training=True)
    >>> [round(float(v), 4) for v in y[0]]
    [0.143, 0.88]
    >>> round(float(head.target_mean), 4)
    0.3

    Reference:
        CurricularFace: Adaptive Curriculum Learning Loss for Deep Face
        Recognition (2020), https://arxiv.org/abs/2004.00288. As there, hard
        means above `cos(theta_y + margin)` at every angle. In the authors'
        code gradients at a cosine of 1 are not finite; here they are.
    """

    gradients = ("exact", "straight-through")
    # Negatives change too.
    passes_straight = False

    def __init__(
        self,
        units: int,
        margin: float = 0.5,
        scale: float = 64.0,
        momentum: float = 0.01,
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
        self.momentum = arguments.rate("momentum", momentum)

    @property
    def has_margin(self) -> bool:
        # Hard classes change without a margin too.
        return True

    def build_state(self) -> None:
        self.target_mean = self.add_state("target_mean")

    def update_state(self, x: Any, labels: Any, logits: Any) -> None:
        cosines = self.target_cosines(x, labels)[:, 0]
        self.move_mean(self.target_mean, cosines, labels, self.momentum)

    def apply_margin(
        self,
        logits: Any,
        x: Any,
        labels: Any,
        annealing_value: Any,
        training: bool | None,
        classes: Any = None,
    ) -> Any:
        own = self.target_mask(labels, classes)
        target = columns.gather(logits, own) / self.scale
        target = self.harder(target, x, labels) * self.scale
        # The target may be in columns that are not at hand.
        bar = angles.turned(self.target_cosines(x, labels), self.margin)
        cosine = logits / self.scale
        hard = (ops.expand_dims(labels, 1) >= 0) & (cosine > bar)
        t = ops.cast(self.target_mean, self.upcast_dtype)
        heavier = ops.where(hard, logits * (t + cosine), logits)
        heavier = columns.scatter(heavier, own, target)
        return self.anneal(logits, heavier, annealing_value)

    def harder(self, cosine: Any, x: Any, labels: Any) -> Any:
        return angles.shifted(cosine, self.margin)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "momentum": self.momentum}
