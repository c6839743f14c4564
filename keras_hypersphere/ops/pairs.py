"""All pairs of a batch."""

from typing import Any

from keras import ops

from keras_hypersphere.backend import replicas

Tensor = Any


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
