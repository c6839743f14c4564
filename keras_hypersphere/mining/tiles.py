"""Passes over the positives of all anchors, one rank at a time.

The k-th positives of all anchors are handled together, in one pass over the
distances: K passes where a class has at most K + 1 samples. Anchors are
taken in tiles of similar K, so that a large class costs only its own.
Nothing is larger than the distances, and all shapes are known beforehand.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from keras_hypersphere.backend import compilation
from keras_hypersphere.mining.positives import Positives

Tensor = Any

# Numbers of a tile. Where steps are compiled, small ones stay in the nearest
# cache; elsewhere each operation of each step costs, whatever its size.
TILE = 2**20
COMPILED_TILE = 2**15
# Parts in which a row is searched; see `Tile.beyond`.
LANES = 32
INFINITY = float("inf")


class Tile(NamedTuple):
    """Some anchors: distances, and those to negatives (others infinite)."""

    distances: Tensor
    negatives: Tensor
    # The same again, M rounded up, with part l of a row at l, l + LANES...
    lanes: Tensor
    # Infinite numbers like these: made once, not in every pass.
    nothing: Tensor
    # Distance and column of the farthest negative, if asked for.
    farthest: tuple[Tensor, Tensor] | None

    def at(self, columns: Tensor) -> Tensor:
        """Places of one column a row in the flattened tile."""
        anchors, width = ops.shape(self.distances)
        return ops.arange(anchors, dtype="int32") * width + columns

    def pick(self, columns: Tensor) -> Tensor:
        """(A,) distances to one column a row."""
        return ops.take(ops.reshape(self.distances, (-1,)), self.at(columns))

    def beyond(self, limits: Tensor) -> tuple[Tensor, Tensor]:
        """The nearest negative beyond a limit: distance and column.

        Infinite where there is none; of equals the first. The column is
        looked for in the part of the row that holds it, because the place of
        a minimum costs many times the minimum.
        """
        anchors, width = ops.shape(self.lanes)
        depth = width // LANES
        ahead = self.lanes > ops.expand_dims(limits, 1)
        ahead = ops.where(ahead, self.lanes, self.nothing)
        nearest = ops.min(ops.reshape(ahead, (anchors, depth, LANES)), axis=1)
        distance = ops.min(nearest, axis=1)
        lane = ops.cast(ops.argmin(nearest, axis=1), "int32")
        # Where in the lane: its entries, `LANES` apart.
        step = ops.expand_dims(ops.arange(depth, dtype="int32"), 0)
        row = ops.expand_dims(ops.arange(anchors, dtype="int32"), 1)
        places = (row * depth + step) * LANES + ops.expand_dims(lane, 1)
        entries = ops.take(ops.reshape(self.lanes, (-1,)), places)
        same = ops.equal(entries, ops.expand_dims(distance, 1))
        place = ops.cast(ops.argmax(ops.cast(same, "int32"), axis=1), "int32")
        return distance, lane * depth + place


# A visitor takes a tile, the (A,) columns of one positive each, whether it
# is one, and the state of the tile's anchors; it returns the new state.
Visitor = Callable[[Tile, Tensor, Tensor, list[Tensor]], list[Tensor]]


def visit_positives(
    distances: Tensor,
    negative: Callable[[Tensor], Tensor],
    positives: Positives,
    visit: Visitor,
    state: list[Tensor],
    farthest: bool = False,
) -> list[Tensor]:
    """Shows a visitor all positives of all anchors.

    `distances` are (N, M); `negative(rows)` gives the mask of negatives of
    some rows; `state` are arrays with a first axis of N, (N,) or (N, M); the
    visitor sees those of (N, M) flattened. Every anchor with positives must
    have negatives.
    """
    count, width = ops.shape(distances)
    if any(isinstance(n, int) and n == 0 for n in (count, width)):
        return state
    known = isinstance(count, int) and isinstance(width, int)
    size = COMPILED_TILE if compilation.steps_are_compiled() else TILE
    if known:
        anchors = max(1, min(count, size // width))
    else:
        anchors = size // ops.maximum(width, 1)
        anchors = ops.maximum(ops.minimum(anchors, count), 1)
    if known and anchors == count:
        rows = ops.arange(count, dtype="int32")
        tile = make_tile(distances, negative(rows), farthest)
        return _visit_ranks(tile, positives, visit, state)
    # Most positives first: the tiles then need few passes each.
    descending = ops.cast(ops.argsort(-positives.count), "int32")

    def visit_tile(first: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        # The last tile is filled up with its last anchor, written twice.
        rows = first + ops.arange(anchors, dtype="int32")
        rows = ops.take(descending, ops.minimum(rows, count - 1))
        taken = ops.take(distances, rows, axis=0)
        tile = make_tile(taken, negative(rows), farthest)
        part = [ops.take(s, rows, axis=0) for s in state]
        part = _visit_ranks(tile, positives.rows(rows), visit, part)
        index = ops.expand_dims(rows, 1)
        written = [
            ops.scatter_update(s, index, p)
            for s, p in zip(state, part, strict=True)
        ]
        return (first + anchors, *written)

    def more(first: Tensor, *state: Tensor) -> Tensor:
        return first < count

    start = ops.zeros((), "int32")
    return list(ops.while_loop(more, visit_tile, (start, *state))[1:])


def make_tile(distances: Tensor, negative: Tensor, farthest: bool) -> Tile:
    """A tile of some anchors."""
    nothing = ops.full_like(distances, INFINITY)
    negatives = ops.where(negative, distances, nothing)
    width = ops.shape(distances)[1]
    padded = negatives
    if not isinstance(width, int) or width % LANES:
        # The last column, again: of equals the first is taken.
        length = (width + LANES - 1) // LANES * LANES
        columns = ops.minimum(ops.arange(length, dtype="int32"), width - 1)
        padded = ops.take(negatives, columns, axis=1)
    anchors = ops.shape(distances)[0]
    lanes = ops.reshape(padded, (anchors, LANES, -1))
    lanes = ops.transpose(lanes, (0, 2, 1))
    lanes = ops.reshape(lanes, ops.shape(padded))
    found = None
    if farthest:
        ranked = ops.where(negative, distances, -nothing)
        column = ops.cast(ops.argmax(ranked, axis=1), "int32")
        found = ops.max(ranked, axis=1), column
    nothing = ops.full_like(lanes, INFINITY)
    return Tile(distances, negatives, lanes, nothing, found)


def _visit_ranks(
    tile: Tile, positives: Positives, visit: Visitor, state: list[Tensor]
) -> list[Tensor]:
    most = ops.max(positives.count, initial=0)
    flat = [ops.reshape(s, (-1,)) for s in state]

    def body(rank: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        column = positives.column(rank)
        after = visit(tile, column, rank < positives.count, list(state))
        return (rank + 1, *after)

    def more(rank: Tensor, *state: Tensor) -> Tensor:
        return rank < most

    start = ops.zeros((), "int32")
    flat = ops.while_loop(more, body, (start, *flat))[1:]
    return [
        ops.reshape(f, ops.shape(s)) for f, s in zip(flat, state, strict=True)
    ]
