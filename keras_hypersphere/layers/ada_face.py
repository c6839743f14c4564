"""AdaFace: a margin that follows the quality of the photo."""

import math
from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.layers.cosine_head import MarginCosineHead
from keras_hypersphere.ops import angles, bounds
from keras_hypersphere.ops import labels as class_labels
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing

# Between which norms count, and how far a turned angle stays from 0 and pi.
NORMS = (0.001, 100.0)
ANGLE = 1e-3


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class AdaFace(MarginCosineHead):
    """Class logits with a margin that adapts to the length of the feature.

    `f_j = scale * cos(theta_j)`, with theta_j the angle between x and column
    j of the kernel. In training with labels, the target class y gets
    `f_y = scale * (cos(theta_y - m z) - (m + m z))` with the margin m and the
    quality `z = clip(concentration * (|x| - mu) / (sigma + 0.001), -1, 1)`.
    Long features, those of good photos, get a margin on the cosine (z = 1:
    `2 m`, and the angle is turned back), short ones an angular margin
    (z = -1: `cos(theta_y + m)`). `theta_y - m z` is kept in [0.001, pi -
    0.001]. No gradient passes through z.

    `mu` and `sigma` are running statistics of the lengths, clipped to [0.001,
    100]: before each training step's margin they move by `momentum` to the
    mean and the unbiased standard deviation of the batch, over all replicas.
    Put the head behind a dense layer without normalization, and follow it
    with a softmax cross-entropy from logits.

    Args:
        units: int, number of classes.
        margin: float in [0, pi / 2), the m above. Defaults to `0.4`.
        scale: float > 0, multiplies all logits. Defaults to `64.0`.
        concentration: float >= 0, how fast the quality leaves 0. Defaults to
            `0.333`: a third, so that most lengths lie within the clip.
        momentum: float in (0, 1], of the running statistics. Defaults to
            `0.01`.
        annealing: `kh.schedules.LambdaAnnealing`, whose value weighs the
            plain logits against those with the margin: `(lambda * plain +
            margin) / (1 + lambda)`; or None for the full margin at once.
            Defaults to None.
        gradient: `"exact"`, the derivative of the above, or
            `"straight-through"`: the value as above, the slope of the
            plain logits. Defaults to `"exact"`.
        margin_at_test: bool, whether labels bring the margin outside
            training too. Defaults to `False`.
        ignore_class: int or None: samples of this class get no margin and move
            no statistic, and count in no loss of `kh.models.MarginModel`.
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

    >>> head = kh.layers.AdaFace(2, scale=1.0, kernel_initializer="identity")
    >>> x = keras.ops.array([[12.0, 16.0]])
    >>> y = head(x, labels=keras.ops.array([0]), training=True)
    >>> [round(float(v), 4) for v in y[0]]
    [0.2, 0.8]
    >>> float(head.norm_mean)
    20.0

    Reference:
        AdaFace: Quality Adaptive Margin for Face Recognition (2022),
        https://arxiv.org/abs/2204.00964. In the authors' code the standard
        deviation of a batch of one is NaN, and stays in the statistics for
        ever; here it does not move them, nor do lengths that are not finite.
        They clip all cosines to 0.999; we clip the target's angle alone.
        Their statistics are those of one device.
    """

    gradients = ("exact", "straight-through")

    def __init__(
        self,
        units: int,
        margin: float = 0.4,
        scale: float = 64.0,
        concentration: float = 0.333,
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
        if not 0 <= self.margin < math.pi / 2:
            raise ValueError(
                "`margin` must be in [0, pi / 2). "
                f"Received: margin={margin!r}; the paper takes 0.4."
            )
        self.concentration = arguments.number(
            "concentration", concentration, minimum=0.0
        )
        self.momentum = arguments.rate("momentum", momentum)

    def build_state(self) -> None:
        constant = keras.initializers.Constant
        self.norm_mean = self.add_state("norm_mean", initializer=constant(20.0))
        self.norm_std = self.add_state("norm_std", initializer=constant(100.0))

    def update_state(self, x: Any, labels: Any, logits: Any) -> None:
        norms = self._norms(x)[:, 0]
        self.move_mean(self.norm_mean, norms, labels, self.momentum)
        mean = self.batch_mean(norms, labels)
        counted = class_labels.kept(labels) & ops.isfinite(norms)
        gaps = ops.where(counted, ops.square(norms - mean), 0.0)
        total = replicas.sum_over_replicas(ops.sum(gaps))
        count = ops.sum(ops.cast(counted, gaps.dtype))
        count = replicas.sum_over_replicas(count)
        # One sample has no deviation: the state stays where it is.
        spread = ops.sqrt(total / bounds.at_least(count - 1.0, 1.0))
        now = ops.cast(self.norm_std, spread.dtype)
        spread = ops.where(count > 1.5, spread, now)
        self.move_to(self.norm_std, spread, self.momentum)

    def harder(self, cosine: Any, x: Any, labels: Any) -> Any:
        quality = self.quality(x)
        turn = -self.margin * quality
        turned = angles.turned(cosine, turn)
        # Compared as cosines: an arccos has no finite slope at its ends.
        near = math.cos(ANGLE)
        floor = ops.cos(bounds.at_least(ANGLE - turn, 0.0))
        floor = ops.where(turn < ANGLE, floor, ops.full_like(floor, 2.0))
        ceiling = ops.cos(bounds.at_most(math.pi - ANGLE - turn, math.pi))
        turned = ops.where(cosine > floor, near, turned)
        turned = ops.where(cosine < ceiling, -near, turned)
        return turned - (self.margin + self.margin * quality)

    def quality(self, x: Any) -> Any:
        """(N, d) features -> (N, 1) in [-1, 1], a constant."""
        mean = ops.cast(self.norm_mean, self.upcast_dtype)
        std = ops.cast(self.norm_std, self.upcast_dtype)
        place = self.concentration * (self._norms(x) - mean) / (std + 0.001)
        return bounds.at_most(bounds.at_least(place, -1.0), 1.0)

    def _norms(self, x: Any) -> Any:
        norms = ops.stop_gradient(self.lengths(x))
        return bounds.at_most(bounds.at_least(norms, NORMS[0]), NORMS[1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "concentration": self.concentration,
            "momentum": self.momentum,
        }
