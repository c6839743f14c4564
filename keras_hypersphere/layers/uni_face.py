"""UniFace: a unified cross-entropy with one threshold for all classes."""

import math
from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.cosine_head import MarginCosineHead
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class UniFace(MarginCosineHead):
    """Unified cross-entropy: one learned threshold between same and other.

    `f_j = scale * cos(theta_j) - b`, with theta_j the angle between x and
    column j of the kernel, and one learned bias b for all classes. In
    training with labels, the target class y gets `f_y = scale *
    (cos(theta_y) - margin) - b`. The head adds, for each sample, `log(1 +
    exp(-f_y)) + negative_weight * sum_j log(1 + exp(f_j))` over the other
    classes j. So `b / scale` is a cosine that parts every pair of the same
    person from every other, as a threshold at verification does.

    That loss replaces the softmax cross-entropy: `compile(optimizer)` of a
    `kh.models.MarginModel` is all it needs.

    Args:
        units: int, number of classes.
        margin: float. Defaults to `0.4`.
        scale: float > 0. Defaults to `64.0`.
        negative_weight: float >= 0, of the other classes. Defaults to `1.0`.
        annealing: `kh.schedules.LambdaAnnealing`, whose value weighs the
            plain logits against those with the margin: `(lambda * plain +
            margin) / (1 + lambda)`; or None for the full margin at once.
            Defaults to None.
        gradient: `"exact"`, the derivative of the above, which
            `"straight-through"` equals: the margin is a constant. Defaults
            to `"exact"`.
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

    >>> head = kh.layers.UniFace(2, kernel_initializer="identity")
    >>> x = keras.ops.array([[3.0, 4.0]])
    >>> y = head(x, labels=keras.ops.array([0]), training=True)
    >>> [round(float(v) + float(head.bias), 4) for v in y[0]]
    [12.8, 51.2]
    >>> round(float(head.bias), 4) == round(math.log(20), 4)
    True

    Reference:
        UniFace: Unified Cross-Entropy Loss for Deep Face Recognition (2023),
        https://doi.org/10.1109/ICCV51070.2023.01900. b begins at `log(10 *
        units)` as in the authors' code. Theirs clips the logits to `scale` on
        both sides, beyond which there is no gradient, and its optimizer lets
        b decay with the weights: leave the variable `bias` out
        (`exclude_from_weight_decay`). Sampled classes are not offered.
    """

    gradients = ("exact", "straight-through")
    trains_itself = True

    def __init__(
        self,
        units: int,
        margin: float = 0.4,
        scale: float = 64.0,
        negative_weight: float = 1.0,
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
        self.negative_weight = arguments.number(
            "negative_weight", negative_weight, minimum=0.0
        )

    @property
    def adds_loss(self) -> bool:
        return True

    def build(self, inputs_shape, labels_shape=None) -> None:
        start = math.log(10.0 * self.units)
        self.bias = self.add_weight(
            name="bias",
            shape=(),
            initializer=keras.initializers.Constant(start),
        )
        super().build(inputs_shape, labels_shape)

    def logits(self, x: Any, classes: Any = None) -> Any:
        scaled = self.cosines(x, classes, self.scale)
        return scaled - ops.cast(self.bias, scaled.dtype)

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
        harder = logits - self.scale * self.margin
        harder = self.anneal(logits, harder, annealing_value)
        return ops.where(own, harder, logits)

    def sample_losses(
        self, x: Any, labels: Any, logits: Any, training: bool | None
    ) -> Any:
        own = self.target_mask(labels)
        wrong = ops.softplus(ops.where(own, -logits, logits))
        weights = ops.where(own, 1.0, self.negative_weight)
        return ops.sum(ops.cast(weights, wrong.dtype) * wrong, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "negative_weight": self.negative_weight,
        }
