"""Positives and negatives of a distance matrix, for use in own losses."""

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import compilation
from keras_hypersphere.mining.positives import find_positives
from keras_hypersphere.mining.sorted_negatives import match_pairs
from keras_hypersphere.mining.tiles import Tile, visit_positives
from keras_hypersphere.mining.triplets import (
    choose,
    faster,
    negatives_of,
    with_negatives,
)
from keras_hypersphere.ops import class_ids, gradients

Tensor = Any

FALLBACKS = (None, "largest")


def semi_hard_negatives(
    distances: Tensor,
    labels: Tensor,
    reference_labels: Tensor | None = None,
    offset: Tensor | int = 0,
    margin: float | None = None,
    fallback: str | None = None,
) -> tuple[Tensor, Tensor]:
    """For each anchor and positive, the nearest negative beyond the positive.

    For an anchor a and a positive p (another sample of its class) that is the
    sample n of another class with the smallest `D_an` of those with
    `D_ap < D_an < D_ap + margin`; of equals, the one with the lowest index.

    The selection has no gradient, the distances have. It takes one pass over
    the distances for each positive of an anchor, or one sort of them, and
    memory for a few matrices of their size.

    Args:
        distances: `(N, M)`, of N anchors to M references.
        labels: `(N,)` or `(N, 1)`, the anchors' class indices.
        reference_labels: `(M,)` or `(M, 1)`. Defaults to None: the
            references are the anchors.
        offset: int, the column of the first anchor among the references; -1
            if anchors are not among them. Defaults to `0`.
        margin: float >= 0, or None for no upper bound. A hinge of this margin
            is zero beyond it. Defaults to None.
        fallback: what a pair without negative beyond its positive gets: None
            for nothing, `"largest"` for the farthest of all negatives, as
            in TensorFlow Addons. Defaults to None.

    Returns:
        `(N, M)` distances of the chosen negatives, zero where there is none,
        and the `(N, M)` bool mask of pairs that have one.

    Raises:
        ValueError: if an argument is not one of those above.

    Example:

    >>> distances = kh.mining.pairwise_distance([[0.0], [2.0], [1.0], [5.0]])
    >>> chosen, valid = kh.mining.semi_hard_negatives(distances, [0, 0, 1, 2])
    >>> np.array(chosen)[np.array(valid)].tolist()
    [25.0, 9.0]

    Reference:
        FaceNet: A Unified Embedding for Face Recognition and Clustering
        (2015), https://arxiv.org/abs/1503.03832, section 3.2.
    """
    distances, labels, others = _checked(distances, labels, reference_labels)
    check_fallback(fallback)
    if margin is not None:
        margin = arguments.number("margin", margin, minimum=0.0)
    fixed = ops.stop_gradient(distances)
    selves = _selves(labels, offset)
    columns = _chosen(fixed, labels, others, fallback, *selves)
    chosen = ops.take_along_axis(distances, ops.maximum(columns, 0), axis=1)
    valid = columns >= 0
    if margin is not None:
        inside = ops.stop_gradient(chosen) < fixed + margin
        if fallback == "largest":
            inside = inside | (ops.stop_gradient(chosen) <= fixed)
        valid = valid & inside
    return ops.where(valid, chosen, ops.zeros_like(chosen)), valid


@compilation.compiled_loops("fallback")
def _chosen(
    distances: Tensor,
    labels: Tensor,
    others: Tensor,
    fallback: str | None,
    *skipped: Tensor,
) -> Tensor:
    """(N, M) columns of the negatives of every pair; -1 is none."""
    positives = find_positives(labels, others, *skipped)
    positives = with_negatives(positives, labels, others)
    farthest = fallback == "largest"

    def visit(
        tile: Tile, column: Tensor, valid: Tensor, state: list[Tensor]
    ) -> list[Tensor]:
        [columns] = state
        _, found, chosen = choose(tile, tile.pick(column))
        places = tile.at(column)
        chosen = ops.where(valid & found, chosen, ops.take(columns, places))
        index = ops.expand_dims(places, 1)
        return [ops.scatter_update(columns, index, chosen)]

    def in_passes() -> Tensor:
        [columns] = visit_positives(
            distances,
            lambda rows: negatives_of(labels, others, rows),
            positives,
            visit,
            [ops.full_like(distances, -1, dtype="int32")],
            farthest,
        )
        return columns

    def at_once() -> Tensor:
        rows = ops.arange(ops.shape(labels)[0], dtype="int32")
        mask = negatives_of(labels, others, rows)
        pairs = match_pairs(distances, mask, positives, farthest)
        # From 1 on: 0 is what all others get.
        column = 1 + pairs.chosen_at % ops.shape(distances)[1]
        return pairs.scattered(column, pairs.at, distances) - 1

    return faster(positives, in_passes, at_once)


def hard_negatives(
    distances: Tensor,
    labels: Tensor,
    reference_labels: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """For each anchor, the nearest sample of another class.

    Of equals, the one with the lowest index.

    Args:
        distances: `(N, M)`, of N anchors to M references.
        labels: `(N,)` or `(N, 1)`, the anchors' class indices.
        reference_labels: `(M,)` or `(M, 1)`. Defaults to None: the
            references are the anchors.

    Returns:
        `(N,)` distances, zero where there is none, and the `(N,)` bool mask
        of anchors that have one.

    Raises:
        ValueError: if an argument is not one of those above.

    Example:

    >>> distances = kh.mining.pairwise_distance([[0.0], [1.0], [3.0]])
    >>> chosen, valid = kh.mining.hard_negatives(distances, [0, 0, 1])
    >>> np.array(chosen).tolist()
    [9.0, 4.0, 4.0]

    Reference:
        FaceNet: A Unified Embedding for Face Recognition and Clustering
        (2015), https://arxiv.org/abs/1503.03832, section 3.2.
    """
    distances, labels, others = _checked(distances, labels, reference_labels)
    rows = ops.arange(ops.shape(labels)[0], dtype="int32")
    return nearest(distances, negatives_of(labels, others, rows))


def hard_positives(
    distances: Tensor,
    labels: Tensor,
    reference_labels: Tensor | None = None,
    offset: Tensor | int = 0,
) -> tuple[Tensor, Tensor]:
    """For each anchor, the farthest other sample of its class.

    Of equals, the one with the lowest index.

    Args:
        distances: `(N, M)`, of N anchors to M references.
        labels: `(N,)` or `(N, 1)`, the anchors' class indices.
        reference_labels: `(M,)` or `(M, 1)`. Defaults to None: the
            references are the anchors.
        offset: int, the column of the first anchor among the references; -1
            if anchors are not among them. Defaults to `0`.

    Returns:
        `(N,)` distances, zero where there is none, and the `(N,)` bool mask
        of anchors that have one.

    Raises:
        ValueError: if an argument is not one of those above.

    Example:

    >>> distances = kh.mining.pairwise_distance([[0.0], [1.0], [3.0]])
    >>> chosen, valid = kh.mining.hard_positives(distances, [0, 0, 1])
    >>> np.array(chosen).tolist(), np.array(valid).tolist()
    ([1.0, 1.0, 0.0], [True, True, False])

    Reference:
        In Defense of the Triplet Loss for Person Re-Identification (2017),
        https://arxiv.org/abs/1703.07737.
    """
    distances, labels, others = _checked(distances, labels, reference_labels)
    mask = positive_mask(labels, others, *_selves(labels, offset))
    return farthest(distances, mask)


def positive_mask(labels: Tensor, candidates: Tensor, *skipped: Tensor) -> Any:
    """(N, M) mask of the columns of an anchor's class that are not skipped."""
    columns = ops.arange(ops.shape(candidates)[0], dtype="int32")
    mask = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(candidates, 0))
    for skip in skipped:
        mask = mask & ops.not_equal(ops.expand_dims(skip, 1), columns)
    return mask


def nearest(distances: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) smallest distances of a mask, and where there is one."""
    far = ops.full_like(distances, float("inf"))
    fixed = ops.where(mask, ops.stop_gradient(distances), far)
    return _take(distances, mask, fixed, ops.argmin)


def farthest(distances: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) largest distances of a mask, and where there is one."""
    near = ops.full_like(distances, -float("inf"))
    fixed = ops.where(mask, ops.stop_gradient(distances), near)
    return _take(distances, mask, fixed, ops.argmax)


def _take(
    distances: Tensor,
    mask: Tensor,
    ranked: Tensor,
    best: Callable[..., Tensor],
) -> tuple[Tensor, Tensor]:
    """Distances at the best ranked column, and where there is one."""
    valid = ops.any(mask, axis=1)
    nothing = ops.sum(ops.zeros_like(distances), axis=1)

    def taken() -> Tensor:
        columns = ops.expand_dims(ops.cast(best(ranked, axis=1), "int32"), 1)
        chosen = ops.take_along_axis(distances, columns, axis=1)
        return ops.where(valid, ops.squeeze(chosen, 1), nothing)

    # No column is the best of none, as on a replica without samples.
    width = ops.shape(distances)[1]
    if isinstance(width, int):
        return (taken() if width else nothing), valid
    return ops.cond(width > 0, taken, lambda: nothing), valid


def _selves(labels: Tensor, offset: Tensor | int) -> tuple[Tensor, ...]:
    """The column of every anchor, if it has one."""
    if isinstance(offset, int) and offset == -1:
        return ()
    count = ops.shape(labels)[0]
    return (ops.arange(count, dtype="int32") + ops.cast(offset, "int32"),)


def check_fallback(fallback: Any) -> str | None:
    """None or a word."""
    if fallback not in FALLBACKS:
        raise ValueError(
            '`fallback` must be None or "largest". '
            f"Received: fallback={fallback!r}."
        )
    return fallback


def _checked(
    distances: Tensor, labels: Tensor, others: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Distances in float32 or float64 and int32 labels of rows and columns."""
    distances = ops.convert_to_tensor(distances)
    if len(distances.shape) != 2:
        raise ValueError(
            "`distances` must be a matrix, anchors by references. "
            f"Received: distances.shape={tuple(distances.shape)}."
        )
    if str(distances.dtype).rpartition(".")[2] not in gradients.WIDE:
        distances = gradients.upcast(distances, "float32")
    rows, columns = distances.shape
    if others is None and None not in (rows, columns) and rows != columns:
        raise ValueError(
            "`distances` must be square unless `reference_labels` are given. "
            f"Received: distances.shape={(rows, columns)}."
        )
    labels, wrong = class_ids.class_ids(labels, 2**31, rows)
    distances = class_ids.nan_where(wrong, distances)
    if others is None:
        return distances, labels, labels
    others, wrong = class_ids.class_ids(others, 2**31, columns)
    return class_ids.nan_where(wrong, distances), labels, others
