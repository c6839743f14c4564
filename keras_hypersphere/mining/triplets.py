"""The hinges of all triplets of a kind, and how they move distances.

With `distances` (N, M), the derivative of an anchor's sum of hinges is a row
of small whole numbers: how often a distance is a positive's, minus how often
it is a negative's. Only this matrix is kept for the gradient.
"""

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from keras_hypersphere.backend import compilation
from keras_hypersphere.mining.positives import Positives
from keras_hypersphere.mining.sorted_negatives import Pairs, match_pairs
from keras_hypersphere.mining.tiles import Tile, visit_positives
from keras_hypersphere.ops.batch_pairs import NOBODY

Tensor = Any

# So many passes take as long as one sort, where XLA does not compile.
FEW = 12


def negatives_of(labels: Tensor, others: Tensor, rows: Tensor) -> Tensor:
    """(A, M) mask of the columns of other classes than some anchors.

    Columns labelled `NOBODY` are no negatives.
    """
    of_anchors = ops.expand_dims(ops.take(labels, rows), 1)
    other = ops.not_equal(of_anchors, ops.expand_dims(others, 0))
    return other & ops.expand_dims(ops.not_equal(others, NOBODY), 0)


def count_negatives(labels: Tensor, others: Tensor) -> Tensor:
    """(N,) numbers of columns of other classes than an anchor's."""
    ascending = ops.sort(others)
    first = ops.searchsorted(ascending, labels, side="left")
    last = ops.searchsorted(ascending, labels, side="right")
    same = ops.cast(last, "int32") - ops.cast(first, "int32")
    real = ops.sum(ops.cast(ops.not_equal(others, NOBODY), "int32"))
    return real - same


def with_negatives(
    positives: Positives, labels: Tensor, others: Tensor
) -> Positives:
    """Leaves no positives to anchors without negatives."""
    has = ops.cast(count_negatives(labels, others) > 0, "int32")
    return positives._replace(count=positives.count * has)


def semi_hard_sums(
    distances: Tensor,
    labels: Tensor,
    others: Tensor,
    positives: Positives,
    margin: float,
    fallback: str | None,
) -> Tensor:
    """(N,) sums over an anchor's positives p of `[D_p - D_n + margin]_+`.

    n is the nearest negative beyond p, or, with `fallback="largest"`, the
    farthest of all where none is beyond.
    """
    given = labels, others, positives, margin, fallback
    return differentiated(lambda d: _semi_hard(d, *given), distances)


@compilation.compiled_loops("margin", "fallback")
def _semi_hard(
    distances: Tensor,
    labels: Tensor,
    others: Tensor,
    positives: Positives,
    margin: float,
    fallback: str | None,
) -> list[Tensor]:
    positives = with_negatives(positives, labels, others)
    farthest = fallback == "largest"

    def visit(
        tile: Tile, column: Tensor, valid: Tensor, state: list[Tensor]
    ) -> list[Tensor]:
        sums, weights = state
        positive = tile.pick(column)
        negative, found, chosen = choose(tile, positive)
        hinges = positive - negative + margin
        active = valid & found & (hinges > 0)
        sums = sums + ops.where(active, hinges, ops.zeros_like(hinges))
        one = ops.cast(active, weights.dtype)
        # Two columns, or twice nothing.
        places = ops.concatenate([tile.at(column), tile.at(chosen)])
        weights = _add(weights, places, ops.concatenate([one, -one]))
        return [sums, weights]

    def in_passes() -> list[Tensor]:
        return _from_zero(distances, labels, others, positives, visit, farthest)

    def at_once() -> list[Tensor]:
        rows = ops.arange(ops.shape(labels)[0], dtype="int32")
        mask = negatives_of(labels, others, rows)
        pairs = match_pairs(distances, mask, positives, farthest)
        return _of_pairs(pairs, distances, margin)

    return faster(positives, in_passes, at_once)


def faster(
    positives: Positives,
    in_passes: Callable[[], Any],
    at_once: Callable[[], Any],
) -> Any:
    """What the faster of two ways gives; both give the same."""
    if compilation.steps_are_compiled():
        return in_passes()
    most = ops.max(positives.count, initial=0)
    return ops.cond(most > FEW, at_once, in_passes)


def _of_pairs(pairs: Pairs, distances: Tensor, margin: float) -> list[Tensor]:
    """The (N,) sums and (N, M) weights of pairs that lie side by side."""
    hinges = pairs.positive - pairs.negative + margin
    active = pairs.valid & (hinges > 0)
    sums = ops.sum(ops.where(active, hinges, ops.zeros_like(hinges)), axis=0)
    one = ops.cast(active, distances.dtype)
    weights = pairs.scattered(
        ops.stack([one, -one]),
        ops.stack([pairs.at, pairs.chosen_at]),
        distances,
    )
    return [sums, weights]


def choose(tile: Tile, positive: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Distance of the chosen negative, whether there is one, its column."""
    negative, column = tile.beyond(positive)
    found = negative < float("inf")
    if tile.farthest is None:
        return ops.where(found, negative, positive), found, column
    distance, farthest = tile.farthest
    negative = ops.where(found, negative, distance)
    column = ops.where(found, column, farthest)
    return negative, ops.ones_like(found), column


def all_sums(
    distances: Tensor,
    labels: Tensor,
    others: Tensor,
    positives: Positives,
    margin: float,
) -> Tensor:
    """(N,) sums of `[D_p - D_n + margin]_+` over all triplets of an anchor."""
    given = labels, others, positives, margin
    return differentiated(lambda d: _all(d, *given), distances)


@compilation.compiled_loops("margin")
def _all(
    distances: Tensor,
    labels: Tensor,
    others: Tensor,
    positives: Positives,
    margin: float,
) -> list[Tensor]:
    positives = with_negatives(positives, labels, others)

    def visit(
        tile: Tile, column: Tensor, valid: Tensor, state: list[Tensor]
    ) -> list[Tensor]:
        sums, weights = state
        limits = tile.pick(column) + margin
        limits = ops.where(valid, limits, ops.full_like(limits, -1.0))
        limits = ops.expand_dims(limits, 1)
        hinges = ops.maximum(limits - tile.negatives, 0.0)
        active = ops.cast(tile.negatives < limits, weights.dtype)
        weights = weights - ops.reshape(active, (-1,))
        count = ops.sum(active, axis=1)
        weights = _add(weights, tile.at(column), count)
        return [sums + ops.sum(hinges, axis=1), weights]

    return _from_zero(distances, labels, others, positives, visit)


def _add(flat: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """Adds values at places that differ, unless their values are zero."""
    values = ops.take(flat, places) + values
    return ops.scatter_update(flat, ops.expand_dims(places, 1), values)


def _from_zero(
    distances: Tensor,
    labels: Tensor,
    others: Tensor,
    positives: Positives,
    visit: Any,
    farthest: bool = False,
) -> list[Tensor]:
    """The visitor's (N,) sums and (N, M) weights."""
    nothing = ops.zeros_like(distances)
    return visit_positives(
        distances,
        lambda rows: negatives_of(labels, others, rows),
        positives,
        visit,
        [ops.sum(nothing, axis=1), nothing],
        farthest,
    )


def differentiated(
    visited: Callable[[Tensor], Sequence[Tensor]], distances: Tensor
) -> Tensor:
    """The first result of a function, whose derivative is the second."""

    @ops.custom_gradient
    def sums(distances: Tensor) -> tuple[Tensor, Any]:
        total, weights = visited(distances)

        def grad(*args: Tensor, upstream: Tensor = None) -> Tensor:
            upstream = args[0] if upstream is None else upstream
            return ops.expand_dims(upstream, 1) * weights

        return total, grad

    return sums(distances)
