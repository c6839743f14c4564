"""ElasticFace: a margin drawn anew for each sample."""

import math
from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.layers.cosine_head import MarginCosineHead
from keras_hypersphere.ops import angles, bounds, counter_normal
from keras_hypersphere.ops import labels as class_labels
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing

# Of an angular margin; a little below pi.
LARGEST = 3.14


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class ElasticFace(MarginCosineHead):
    """Class logits with a margin that is drawn for each sample and step.

    `f_j = scale * cos(theta_j)`, with theta_j the angle between x and column
    j of the kernel. In training with labels, sample i draws `m_i` from the
    normal distribution `N(margin, deviation)`, and its target class y gets
    `f_y = scale * cos(theta_y + m_i)` (`kind="arc"`; beyond `pi - m_i` the
    line of `ArcFace`) or `f_y = scale * (cos(theta_y) - m_i)`
    (`kind="cos"`). With `plus=True` the margins of a batch, over all
    replicas, are handed out by rank: the sample with the largest target
    cosine gets the smallest.

    Follow the head with a softmax cross-entropy from logits. The seed is a
    weight: it is saved with the model, and moves in each training step.

    Args:
        units: int, number of classes.
        margin: float, mean of the margins; in [0, pi) for `kind="arc"`.
            Defaults to `0.5`; the paper's for `kind="cos"` is 0.35.
        deviation: float >= 0, of the margins. Defaults to `0.05`; the
            paper's with `plus` is 0.0175 (`"arc"`) and 0.02 (`"cos"`).
        scale: float > 0, multiplies all logits. Defaults to `64.0`.
        plus: bool, whether margins are handed out by rank. Defaults to
            `False`.
        kind: `"arc"` or `"cos"`. Defaults to `"arc"`, whose margins are kept
            in [0, 3.14].
        seed: int or None, of the margins. Defaults to None, another in each
            process.
        annealing: `kh.schedules.LambdaAnnealing`, whose value weighs the
            plain logits against those with the margin: `(lambda * plain +
            margin) / (1 + lambda)`; or None for the full margin at once.
            Defaults to None.
        gradient: `"exact"`, the derivative of the above, or
            `"straight-through"`: the value as above, the slope of the
            plain logits. Defaults to `"exact"`.
        margin_at_test: bool, whether labels bring the margin outside
            training too. Defaults to `False`.
        ignore_class: int or None: samples of this class get no margin and take
            none away, and count in no loss of `kh.models.MarginModel`.
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

    >>> head = kh.layers.ElasticFace(2, seed=1, kernel_initializer="identity")
    >>> x = keras.ops.array([[3.0, 4.0]])
    >>> first, second = [
    ...     float(head(x, labels=[0], training=True)[0, 0]) for _ in range(2)
    ... ]
    >>> first != second
    True

    Reference:
        ElasticFace: Elastic Margin Loss for Deep Face Recognition (2022),
        https://arxiv.org/abs/2109.09416. The authors' code indexes sorted
        margins by the order of the cosines instead of their ranks, so that
        samples get others' margins; here they get their own. Gradients at a
        cosine of 1, not finite there, are finite here.
    """

    gradients = ("exact", "straight-through")

    def __init__(
        self,
        units: int,
        margin: float = 0.5,
        deviation: float = 0.05,
        scale: float = 64.0,
        plus: bool = False,
        kind: str = "arc",
        seed: int | None = None,
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
        self.deviation = arguments.number("deviation", deviation, minimum=0.0)
        self.plus = arguments.flag("plus", plus)
        self.kind = arguments.choice("kind", kind, ("arc", "cos"))
        if self.kind == "arc":
            arguments.radians("margin", self.margin)
        self.seed = None if seed is None else arguments.integer("seed", seed)

    @property
    def has_margin(self) -> bool:
        return self.margin != 0 or self.deviation > 0

    def build_state(self) -> None:
        # As a weight it is saved, which a generator is not.
        self.seed_state = keras.random.SeedGenerator(self.seed).state

    def update_state(self, x: Any, labels: Any, logits: Any) -> None:
        step = ops.convert_to_tensor([0, 1], dtype=self.seed_state.dtype)
        self.seed_state.assign(ops.add(self.seed_state, step))

    def margins(self, x: Any, labels: Any) -> Any:
        """(N, 1) margins of this step, the same whenever they are asked for.

        Drawn for the samples of all replicas, of which ours are a part.
        """
        everyone, first = replicas.gather_over_replicas(labels)
        index = ops.arange(ops.shape(everyone)[0], dtype="int32")
        drawn = counter_normal.normal(
            index, ops.convert_to_tensor(self.seed_state), self.upcast_dtype
        )
        drawn = self.margin + self.deviation * drawn
        if self.plus:
            cosines = self.target_cosines(x, labels)
            cosines, _ = replicas.gather_over_replicas(cosines[:, 0])
            drawn = ranked(drawn, cosines, class_labels.kept(everyone))
        if self.kind == "arc":
            drawn = bounds.at_most(bounds.at_least(drawn, 0.0), LARGEST)
        mine = first + ops.arange(ops.shape(labels)[0], dtype="int32")
        return ops.expand_dims(ops.take(drawn, mine, axis=0), 1)

    def harder(self, cosine: Any, x: Any, labels: Any) -> Any:
        margins = self.margins(x, labels)
        if self.kind == "cos":
            return cosine - margins
        return angles.shifted(cosine, margins)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "deviation": self.deviation,
            "plus": self.plus,
            "kind": self.kind,
            "seed": self.seed,
        }


def ranked(margins: Any, cosines: Any, kept: Any) -> Any:
    """(N,) margins, the smallest for the largest cosine of those kept."""
    # What is not kept comes last in both orders, and changes no other.
    far = ops.full_like(margins, math.inf)
    margins = ops.sort(ops.where(kept, margins, far))
    order = ops.argsort(ops.where(kept, -cosines, far))
    ranks = ops.argsort(order)
    return ops.where(kept, ops.take(margins, ranks, axis=0), 0.0)
