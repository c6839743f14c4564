"""TensorFlow Addons' triplet loss with semi-hard negatives."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.addons.losses import batch
from keras_hypersphere.addons.losses import distance_metric as metrics
from keras_hypersphere.addons.losses.batch_loss import BatchLoss
from keras_hypersphere.backend import compilation
from keras_hypersphere.mining.positives import Positives, find_positives
from keras_hypersphere.mining.tiles import Tile, visit_positives
from keras_hypersphere.mining.triplets import differentiated
from keras_hypersphere.ops import class_ids

Tensor = Any


@keras.saving.register_keras_serializable(package="Addons")
def triplet_semihard_loss(
    y_true: Tensor,
    y_pred: Tensor,
    margin: float = 1.0,
    distance_metric: metrics.Metric = "L2",
) -> Tensor:
    """Triplet loss of a batch, with semi-hard negatives.

    See `TripletSemiHardLoss`.

    Args:
        y_true: `(N,)` or `(N, 1)` class labels, any numbers; floats
            below 2^24.
        y_pred: `(N, d)` embeddings, of length 1 as a rule.
        margin: float. Defaults to `1.0`.
        distance_metric: `"L2"`, `"squared-L2"`, `"angular"`, or a function.
            Defaults to `"L2"`.

    Returns:
        Scalar, float32, or float64 for float64 embeddings.

    Raises:
        ValueError: if a shape or an argument is not one of those above.

    Example:

    >>> loss = kh.addons.losses.triplet_semihard_loss(
    ...     [0, 0], [[0.0, 1.0], [1.0, 0.0]])
    >>> round(float(loss), 4)
    2.4142

    Reference:
        `tensorflow_addons.losses.triplet_semihard_loss`, version 0.23, which
        gives NaN for a batch without positives, the dtype of `y_pred` for
        half types, and needs memory for N^3 numbers.
    """
    margin = arguments.number("margin", margin)
    x = batch.matrix(y_pred)
    labels, wrong = class_ids.class_ranks(y_true, x.shape[0])
    if x.shape[0] == 0:
        return ops.sum(x)
    sums, pairs = semi_hard_hinges(
        metrics.distances_of(x, distance_metric), labels, margin
    )
    # Without pairs the sum is zero: zero, not NaN.
    loss = ops.sum(sums) / ops.maximum(ops.cast(pairs, x.dtype), 1.0)
    return batch.keep_nan(loss, x, wrong)


def semi_hard_hinges(
    distances: Tensor, labels: Tensor, margin: float
) -> tuple[Tensor, Tensor]:
    """(N,) sums of the anchors' hinges, and the number of pairs.

    As `kh.losses.TripletLoss` with `fallback="largest"`, except where
    TensorFlow Addons differs: in a batch of one class the smallest distance
    of an anchor, to itself as a rule, stands for its negatives; a hinge of
    exactly zero has a gradient; equal distances share one, see `_spread`.
    """
    rows = ops.arange(ops.shape(labels)[0], dtype="int32")
    positives = find_positives(labels, labels, rows)
    sums = differentiated(
        lambda d: _semi_hard(d, labels, positives, margin), distances
    )
    return sums, ops.sum(positives.count)


@compilation.compiled_loops("margin")
def _semi_hard(
    distances: Tensor, labels: Tensor, positives: Positives, margin: float
) -> tuple[Tensor, Tensor]:
    """(N,) sums of hinges, and how each distance moves its row's."""

    def visit(
        tile: Tile, column: Tensor, valid: Tensor, state: list[Tensor]
    ) -> list[Tensor]:
        sums, weights, longest, shortest, at_longest, at_shortest = state
        positive = tile.pick(column)
        negative, _ = tile.beyond(positive)
        found = negative < float("inf")
        negative = ops.where(found, negative, tile.farthest[0])  # type: ignore[index]
        hinges = positive - negative + margin
        active = valid & (hinges >= 0)
        sums = sums + ops.where(active, hinges, ops.zeros_like(hinges))
        one = ops.cast(active, sums.dtype)
        last = ops.cast(found & ops.equal(negative, longest), sums.dtype)
        first = ops.cast(
            ops.logical_not(found) & ops.equal(negative, shortest), sums.dtype
        )
        equal = ops.equal(tile.negatives, ops.expand_dims(negative, 1))
        equal = ops.cast(equal, sums.dtype)
        share = one * (1.0 - last) * (1.0 - first)
        share = share / ops.maximum(ops.sum(equal, axis=1), 1.0)
        shares = ops.expand_dims(share, 1) * equal
        weights = weights - ops.reshape(shares, (-1,))
        places = tile.at(column)
        raised = ops.take(weights, places) + one
        index = ops.expand_dims(places, 1)
        weights = ops.scatter_update(weights, index, raised)
        at_longest, at_shortest = (
            at_longest + last * one,
            at_shortest + first * one,
        )
        return [sums, weights, longest, shortest, at_longest, at_shortest]

    others = ops.logical_not(batch.same_class(labels))
    longest, shortest = ops.max(distances, 1), ops.min(distances, 1)
    is_longest = ops.equal(distances, ops.expand_dims(longest, 1))
    is_shortest = ops.equal(distances, ops.expand_dims(shortest, 1))
    negative = ops.where(ops.any(others), others, is_shortest)
    nothing = ops.zeros_like(distances)
    none = ops.zeros_like(longest)
    total, weights, _, _, at_longest, at_shortest = visit_positives(
        distances,
        lambda rows: ops.take(negative, rows, axis=0),
        positives,
        visit,
        [none, nothing, longest, shortest, none, none],
        True,
    )
    spread = _spread(others & is_longest, is_longest, distances.dtype)
    weights = weights - ops.expand_dims(at_longest, 1) * spread
    spread = _spread(others, is_shortest, distances.dtype)
    weights = weights - ops.expand_dims(at_shortest, 1) * spread
    return total, weights


def _spread(negative: Tensor, extreme: Tensor, dtype: str) -> Tensor:
    """Who has what part of a gradient, if the chosen distance is extreme.

    TensorFlow Addons moves distances by their row's maximum (minimum) before
    it masks them with zeros. Where the choice is that extreme itself, the
    zeros are as good, and have their parts; what they lose goes to the extreme
    distances, among which there may be positives.
    """
    negative, extreme = ops.cast(negative, dtype), ops.cast(extreme, dtype)
    part = negative / ops.cast(ops.shape(negative)[1], dtype)
    rest = 1.0 - ops.sum(part, axis=1, keepdims=True)
    return part + rest * extreme / ops.sum(extreme, axis=1, keepdims=True)


@keras.saving.register_keras_serializable(package="Addons")
class TripletSemiHardLoss(BatchLoss):
    """Triplet loss of a batch, with semi-hard negatives.

    `mean over (a, p) of [D(a, p) - D(a, n) + margin]_+`, over all ordered
    pairs of a class. n is the nearest sample of another class with
    `D(a, n) > D(a, p)`, or the farthest of all where there is none. In a batch
    of one class `D(a, n)` is the smallest distance of the anchor, 0.

    Args:
        margin: float. Defaults to `1.0`.
        distance_metric: `"L2"`, `"squared-L2"`, `"angular"` (1 - cosine), or a
            function of `(N, d)` embeddings that returns `(N, N)` distances.
            Defaults to `"L2"`.
        name: str or None.
        reduction: has no effect on one number. Defaults to `"none"`.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N,)` or `(N, 1)` class labels, any numbers; floats
            below 2^24.
        y_pred: `(N, d)` embeddings, of length 1 as a rule.
        sample_weight: the loss is multiplied by its mean;
            `kh.losses.TripletLoss` weighs anchors.

    Output shape:
        `()`; zero without a pair of one class.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if a shape or an argument is not one of those above.

    Example:

    >>> loss = kh.addons.losses.TripletSemiHardLoss(margin=0.2)
    >>> angles = np.array([0.0, 0.4, 0.6, 0.45])
    >>> x = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    >>> round(float(loss(np.array([0, 0, 1, 1]), x)), 4)
    0.1747

    Reference:
        `tensorflow_addons.losses.TripletSemiHardLoss`, version 0.23, with
        its numbers, and FaceNet (2015), https://arxiv.org/abs/1503.03832,
        which squares distances, uses a margin of 0.2 and has no farthest
        negatives. TensorFlow Addons gives NaN without a pair of one class,
        and needs memory for N^3 numbers; here N^2.
    """

    def __init__(
        self,
        margin: float = 1.0,
        distance_metric: metrics.Metric = "L2",
        name: str | None = None,
        reduction: str | None = "none",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.margin = arguments.number("margin", margin)
        self.distance_metric = metrics.resolve(distance_metric)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return triplet_semihard_loss(
            y_true, y_pred, self.margin, self.distance_metric
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "margin": self.margin,
            "distance_metric": metrics.serialize(self.distance_metric),
        }
