"""The nearest negatives beyond all positives at once, from sorted rows.

Fastest where each operation is a kernel of its own: one sort of the
distances replaces a pass over them for each positive. Where XLA compiles
(its sort is slow, its passes are fused), `tiles.py` is faster.
"""

from typing import Any, NamedTuple

from keras import ops

from keras_hypersphere.mining.positives import Positives

Tensor = Any

INFINITY = float("inf")


class Pairs(NamedTuple):
    """All pairs of an anchor and a positive, and the negative of each.

    Arrays are (K, N): row k has the k-th positive of every anchor, `valid`
    where there is one and it has a negative. `at` and `chosen_at` are places
    of the pair's and of the negative's distance in the flattened distances.
    """

    valid: Tensor
    at: Tensor
    positive: Tensor
    chosen_at: Tensor
    negative: Tensor

    def scattered(self, values: Tensor, at: Tensor, like: Tensor) -> Tensor:
        """A matrix with the sums of the valid pairs' values at their places."""
        values = ops.where(self.valid, values, ops.zeros_like(values))
        count, width = ops.shape(like)
        flat = ops.segment_sum(
            ops.reshape(values, (-1,)), ops.reshape(at, (-1,)), count * width
        )
        return ops.reshape(flat, (count, width))


def match_pairs(
    distances: Tensor, negatives: Tensor, positives: Positives, farthest: bool
) -> Pairs:
    """For every pair the nearest negative beyond its positive.

    Of equals the first. With `farthest`, a pair without one gets the
    farthest negative of all. `negatives` is a mask of the (N, M) distances;
    every anchor with positives must have some.
    """
    count, width = ops.shape(distances)
    ranks = ops.arange(ops.max(positives.count, initial=0), dtype="int32")
    ranks = ops.expand_dims(ranks, 1)
    first = ops.arange(count, dtype="int32") * width
    flat = ops.reshape(distances, (-1,))
    at = first + positives.column(ranks)
    positive = ops.take(flat, at)
    nothing = ops.full_like(distances, INFINITY)
    ranked = ops.where(negatives, distances, nothing)
    # Stable on every backend: of equals the first column comes first.
    order = ops.cast(ops.argsort(ranked, axis=1), "int32")
    order = ops.reshape(ops.expand_dims(first, 1) + order, (-1,))
    ascending = ops.take(ops.reshape(ranked, (-1,)), order)
    place = count_up_to(ascending, first, width, positive)
    place = first + ops.minimum(place, width - 1)
    negative = ops.take(ascending, place)
    # The last of a row may be no negative, or not beyond.
    found = (negative > positive) & (negative < INFINITY)
    chosen_at = ops.take(order, place)
    if farthest:
        ranked = ops.where(negatives, distances, -nothing)
        last = first + ops.cast(ops.argmax(ranked, axis=1), "int32")
        chosen_at = ops.where(found, chosen_at, last)
        negative = ops.where(found, negative, ops.take(flat, last))
        found = ops.ones_like(found)
    valid = found & (ranks < positives.count)
    return Pairs(valid, at, positive, chosen_at, negative)


def count_up_to(
    ascending: Tensor, first: Tensor, width: Tensor | int, limits: Tensor
) -> Tensor:
    """How many numbers of a row are not beyond each of its limits.

    `ascending` are rows of `width` numbers, flattened, that start at `first`
    (N,); `limits` are (K, N). A search by halves, all at once.
    """

    def double(step: Tensor) -> tuple[Tensor]:
        return (2 * step,)

    def narrow(step: Tensor, below: Tensor) -> tuple[Tensor, Tensor]:
        ahead = below + step
        last = first + ops.minimum(ahead, width) - 1
        within = (ahead <= width) & (ops.take(ascending, last) <= limits)
        return step // 2, ops.where(within, ahead, below)

    one = ops.ones((), "int32")
    [step] = ops.while_loop(lambda s: 2 * s <= width, double, (one,))
    below = ops.zeros_like(limits, dtype="int32")
    return ops.while_loop(lambda s, _: s > 0, narrow, (step, below))[1]
