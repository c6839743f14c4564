"""All pairs of a batch."""

from typing import Any

from keras import ops

from keras_hypersphere.backend import replicas
from keras_hypersphere.ops import distances, products, sphere

Tensor = Any


def batch_distances(x: Tensor, references: Tensor, distance: str) -> Tensor:
    """(N, d) and (M, d) -> (N, M) `"squared-l2"`, `"l2"` or `"cosine"`."""
    if distance == "cosine":
        x, _ = sphere.normalize(x)
        references, _ = sphere.normalize(references)
        return 1.0 - products.matmul(x, ops.transpose(references))
    x, references = distances.saturate(x), distances.saturate(references)
    # Distances do not change when all vectors move, their rounding does.
    middle = ops.stop_gradient(ops.mean(references, axis=0))
    squared = distances.squared_l2(x - middle, references - middle)
    if distance == "squared-l2":
        return squared
    # The root of zero has no slope: zero, as between equal vectors.
    empty = squared <= 0
    safe = ops.where(empty, ops.ones_like(squared), squared)
    return ops.where(empty, ops.zeros_like(safe), ops.sqrt(safe))


def batch_pairs(
    x: Tensor, labels: Tensor, cross_replica: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """References, masks of pairs and of pairs of one class, both (N, M).

    The references are the batch itself, or the batches of all replicas. No
    sample pairs with itself.
    """
    references, others, first = x, labels, 0
    if cross_replica:
        references, first = replicas.gather_over_replicas(x)
        others, _ = replicas.gather_over_replicas(labels)
    here = first + ops.arange(ops.shape(x)[0], dtype="int32")
    there = ops.arange(ops.shape(references)[0], dtype="int32")
    pairs = ops.not_equal(ops.expand_dims(here, 1), ops.expand_dims(there, 0))
    same = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(others, 0))
    return references, pairs, same & pairs
