"""SphereFace's head: a margin that multiplies the angle."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.ops import angles, bounds, columns, gradients, sphere
from keras_hypersphere.ops.larger import larger
from keras_hypersphere.ops.projections import project
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing

ANNEALING = LambdaAnnealing()


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ASoftmax(MarginHead):
    """Class logits with SphereFace's multiplicative angular margin.

    `f_j = |x| cos(theta_j)`, with theta_j the angle between x and column j
    of the kernel. In training with labels, the target class y gets
    `f_y = |x| (lambda cos(theta_y) + psi(theta_y)) / (1 + lambda)`, where
    `psi(theta) = (-1)^k cos(m theta) - 2k` on `[k pi/m, (k+1) pi/m]` falls
    from 1 to `1 - 2m`, and `lambda` is the value of `annealing`.

    Put it behind a dense layer without activation, and follow it with a
    softmax cross-entropy from logits.

    Args:
        units: int, number of classes.
        margin: int >= 1, the m above. Defaults to `4`; 1 is no margin.
        annealing: `kh.schedules.LambdaAnnealing`, or None for the full
            margin at once. Defaults to `LambdaAnnealing()`, SphereFace's.
        normalize_inputs: bool, whether `|x|` is replaced by 1; then set a
            `scale`. Defaults to `False`.
        scale: float > 0 or None, multiplies the features, and so all logits.
            Defaults to None.
        gradient: `"exact"`, the derivative of the above;
            `"straight-through"`, the target's value as above, its slope that
            of the plain logit; or `"caffe"`, the published update: the two
            coefficients of the target's feature gradient are divided by their
            joint length, the kernel's gradient knows neither margin nor
            normalization, and a constraint renormalizes what is stored.
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

    >>> head = kh.layers.ASoftmax(10, margin=4)
    >>> x = keras.random.normal((2, 64))
    >>> y = head(x, labels=keras.ops.array([3, 7]), training=True)
    >>> tuple(y.shape)
    (2, 10)
    >>> int(head.annealing_step)
    1

    Reference:
        SphereFace: Deep Hypersphere Embedding for Face Recognition (2017),
        https://arxiv.org/abs/1704.08063, and its Caffe layer
        `MarginInnerProduct`. There the margin also acts in evaluation, the
        step counts those calls too and is not saved, and a zero vector
        gives NaN; here it gives zero logits.
    """

    passes_straight = True

    def __init__(
        self,
        units: int,
        margin: int = 4,
        annealing: LambdaAnnealing | None = ANNEALING,
        normalize_inputs: bool = False,
        scale: float | None = None,
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
        self.normalize_inputs = arguments.flag(
            "normalize_inputs", normalize_inputs
        )
        self.scale = (
            None
            if scale is None
            else arguments.number("scale", scale, positive=True)
        )

    @property
    def has_margin(self) -> bool:
        return self.margin != 1

    def logits(self, x: Any, classes: Any = None) -> Any:
        straight_through = self.gradient == "caffe"
        weights = self.class_weights(classes)
        return project(
            self._features(x), weights, straight_through=straight_through
        )

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
        x = self._features(x)
        own = self.target_mask(labels, classes)
        plain = columns.gather(logits, own)
        factor, size, empty = sphere.split(x)
        # Divided in two steps: the square of a length may overflow.
        cosine = plain / factor / size
        weight = 0.0 if annealing_value is None else annealing_value
        # Shares first: the weighted sum itself may overflow.
        bent = angles.psi(cosine, self.margin) / (1.0 + weight)
        target = plain * (weight / (1.0 + weight)) + factor * size * bent
        if self.gradient == "caffe":
            weights = columns.own_weights(self.class_weights(), labels)
            weights, _ = sphere.normalize(weights)
            pull = self._published_pull(
                x, cosine, factor * size, weight, weights
            )
            # Zero in value: the product itself may overflow.
            step = x - ops.stop_gradient(x)
            along = ops.sum(step * pull, axis=-1, keepdims=True)
            target = gradients.straight_through(target, plain + along)
        elif self.gradient == "straight-through":
            target = gradients.straight_through(target, plain)
        # A zero vector has no angle: its logits are zero.
        target = ops.where(empty, plain, target)
        return columns.scatter(logits, own, target)

    def _published_pull(
        self, x: Any, cosine: Any, length: Any, weight: Any, weights: Any
    ) -> Any:
        """What the published feature gradient adds to the plain one."""
        slope = angles.psi_slope(cosine, self.margin)
        bend = angles.psi(cosine, self.margin) - cosine * slope
        # d(|x| psi)/dx = slope * w + bend / |x| * x; the pair of coefficients
        # is made a unit vector. Both are multiplied by |x| beforehand.
        # Beyond 1e30, `bend` is lost next to the slope anyway.
        slope = slope * bounds.at_most(length, 1e30)
        largest = larger(ops.abs(slope), ops.abs(bend))
        slope, bend = slope / largest, bend / largest
        joint = ops.sqrt(ops.square(slope) + ops.square(bend))
        on_w = (slope / joint + weight) / (1.0 + weight) - 1.0
        on_x = bend / joint / (1.0 + weight)
        return ops.stop_gradient(on_w * weights + on_x * x)

    def _features(self, x: Any) -> Any:
        """What meets the class weights, as Normalize and Scale give it."""
        if self.normalize_inputs:
            x, _ = sphere.normalize(x)
        return x if self.scale is None else x * self.scale

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "margin": self.margin,
            "normalize_inputs": self.normalize_inputs,
            "scale": self.scale,
        }
