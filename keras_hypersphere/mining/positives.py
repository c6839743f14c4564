"""The positives of every anchor, one after the other."""

from typing import Any, NamedTuple

from keras import ops

Tensor = Any


class Positives(NamedTuple):
    """The columns of one class are neighbors in `order`.

    `start` and `count`, both (N,), say where an anchor's class begins and how
    many positives the anchor has; `skips`, (N,) each, are places within its
    class that are not positives, such as its own.
    """

    order: Tensor
    start: Tensor
    count: Tensor
    skips: tuple[Tensor, ...]

    def column(self, rank: Tensor) -> Tensor:
        """(N,) columns of the positives of a rank; any beyond `count`."""
        place = ops.zeros_like(self.start) + rank
        for skip in self.skips:
            place = place + ops.cast(place >= skip, "int32")
        last = ops.shape(self.order)[0] - 1
        return ops.take(self.order, ops.minimum(self.start + place, last))

    def rows(self, rows: Tensor) -> "Positives":
        """The positives of some anchors."""
        return Positives(
            self.order,
            ops.take(self.start, rows),
            ops.take(self.count, rows),
            tuple(ops.take(skip, rows) for skip in self.skips),
        )


def find_positives(
    labels: Tensor, candidates: Tensor, *skipped: Tensor
) -> Positives:
    """(N,) labels of anchors and (M,) of columns -> their positives.

    Columns labelled `NOBODY` are no positives. `skipped` are columns, (N,)
    each, of the anchor's class: itself, above all. They ascend.
    """
    order = ops.cast(ops.argsort(candidates), "int32")
    ascending = ops.take(candidates, order)
    start = _search(ascending, labels, "left")
    end = _search(ascending, labels, "right")
    place = ops.cast(ops.argsort(order), "int32")
    skips = tuple(ops.take(place, column) - start for column in skipped)
    return Positives(order, start, end - start - len(skips), skips)


def _search(ascending: Tensor, values: Tensor, side: str) -> Tensor:
    found = ops.searchsorted(ascending, values, side=side)
    return ops.cast(found, "int32")
