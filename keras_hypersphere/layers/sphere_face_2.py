"""SphereFace2: one binary question for each class."""

import math
from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.cosine_head import MarginCosineHead
from keras_hypersphere.ops import bounds, gradients
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class SphereFace2(MarginCosineHead):
    """Binary classification for each class, with a margin on both sides.

    `f_j = scale * g(cos(theta_j)) + b`, with `g(c) = 2 ((c + 1) / 2)^power -
    1`, theta_j the angle between x and column j of the kernel, and one
    learned bias b. In training with labels, the target class y gets `f_y =
    scale * (g(cos(theta_y)) - margin) + b` and every other class `f_j = scale
    * (g(cos(theta_j)) + margin) + b`. The head adds, for each sample,
    `loss_weight / scale * (balance * log(1 + exp(-f_y)) + (1 - balance) *
    sum_j log(1 + exp(f_j)))`.

    That loss replaces the softmax cross-entropy: `compile(optimizer)` of a
    `kh.models.MarginModel` is all it needs. Classes are independent of each
    other, so noisy labels do less harm.

    Args:
        units: int, number of classes.
        margin: float >= 0. Defaults to `0.4`.
        scale: float > 0. Defaults to `40.0`.
        balance: float in (0, 1), weight of the target's question against
            those of all others. Defaults to `0.7`.
        power: float >= 1, the exponent of g. Defaults to `3`; 1 is the
            cosine.
        loss_weight: float >= 0. Defaults to `50.0`.
        annealing: `kh.schedules.LambdaAnnealing`, whose value weighs the
            plain logits against those with the margin: `(lambda * plain +
            margin) / (1 + lambda)`; or None for the full margin at once.
            Defaults to None.
        gradient: `"exact"`, the derivative of the above, or
            `"straight-through"`, as the authors train: g has the slope 1, so
            that of the logits is `scale`, without labels too. Defaults to
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

    >>> head = kh.layers.SphereFace2(10)
    >>> x = keras.random.normal((4, 8))
    >>> y = head(x, labels=keras.ops.array([3, 7, 0, 1]), training=True)
    >>> tuple(y.shape), len(head.losses)
    ((4, 10), 1)

    Reference:
        SphereFace2: Binary Classification is All You Need for Deep Face
        Recognition (2022), https://arxiv.org/abs/2108.01513, and the authors'
        `opensphere`, whose numbers these are (for MS1M it takes `balance=0.8,
        margin=0.5, scale=64.0`). The bias begins where, at right angles to
        all classes, the target pulls as hard as all others together; the
        published formula loses that number for two classes, here it is
        solved without cancellation.
    """

    gradients = ("exact", "straight-through")
    # The margin is a constant: slopes are those of `logits`.
    passes_straight = True
    trains_itself = True

    def __init__(
        self,
        units: int,
        margin: float = 0.4,
        scale: float = 40.0,
        balance: float = 0.7,
        power: float = 3,
        loss_weight: float = 50.0,
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
        arguments.number("margin", self.margin, minimum=0.0)
        self.balance = arguments.number("balance", balance)
        if not 0 < self.balance < 1:
            raise ValueError(
                "`balance` must be between 0 and 1, neither of them. "
                f"Received: balance={balance!r}; the authors take 0.7."
            )
        self.power = arguments.number("power", power, minimum=1.0)
        self.loss_weight = arguments.number(
            "loss_weight", loss_weight, minimum=0.0
        )

    @property
    def adds_loss(self) -> bool:
        return True

    def build(self, inputs_shape, labels_shape=None) -> None:
        start = first_bias(
            self.units, self.margin, self.scale, self.balance, self.power
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(),
            initializer=keras.initializers.Constant(start),
        )
        super().build(inputs_shape, labels_shape)

    def logits(self, x: Any, classes: Any = None) -> Any:
        cosine = self.cosines(x, classes)
        # Rounding may bring a cosine below -1, where a power is NaN.
        half = bounds.at_least((cosine + 1.0) / 2.0, 0.0)
        adjusted = 2.0 * ops.power(half, self.power) - 1.0
        if self.gradient == "straight-through":
            adjusted = gradients.straight_through(adjusted, cosine)
        return self.scale * adjusted + ops.cast(self.bias, cosine.dtype)

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
        real = ops.expand_dims(labels >= 0, 1)
        step = self.scale * self.margin
        harder = ops.where(own, logits - step, logits + step)
        harder = self.anneal(logits, harder, annealing_value)
        return ops.where(real, harder, logits)

    def sample_losses(
        self, x: Any, labels: Any, logits: Any, training: bool | None
    ) -> Any:
        own = self.target_mask(labels)
        wrong = ops.softplus(ops.where(own, -logits, logits))
        weights = ops.where(own, self.balance, 1.0 - self.balance)
        total = ops.sum(ops.cast(weights, wrong.dtype) * wrong, axis=-1)
        return self.loss_weight / self.scale * total

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "balance": self.balance,
            "power": self.power,
            "loss_weight": self.loss_weight,
        }


def first_bias(
    units: int, margin: float, scale: float, balance: float, power: float
) -> float:
    """The bias where both sides pull alike, at right angles to all classes.

    With own and other logits `a + b` and `c + b`: `balance / (1 + e^(a + b))
    = (1 - balance) (C - 1) / (1 + e^-(c + b))`, a square equation in
    `v = e^(c + b)`: `e^(a - c) v^2 + (1 - z) v - z = 0`.
    """
    middle = 2.0 * 0.5**power - 1.0
    own, other = scale * (middle - margin), scale * (middle + margin)
    if units == 1:
        return -own
    z = balance / ((1.0 - balance) * (units - 1))
    root = math.sqrt((1.0 - z) ** 2 + 4.0 * z * math.exp(own - other))
    # Of two forms of the root, the one that adds.
    if z < 1.0:
        return math.log(2.0 * z) - math.log(1.0 - z + root) - other
    return math.log((z - 1.0 + root) / 2.0) - own
