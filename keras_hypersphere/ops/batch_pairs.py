"""All pairs of a batch, and of a batch with what is remembered."""

from typing import Any, NamedTuple

from keras import ops

from keras_hypersphere.backend import replicas

Tensor = Any

# The label of what is no sample, such as a place of a queue not yet filled.
NOBODY = -1


class Memory(NamedTuple):
    """Embeddings of earlier batches, (M, d), and their labels, (M,).

    Labels may be `NOBODY`.
    """

    embeddings: Tensor
    labels: Tensor


class References(NamedTuple):
    """What the anchors of a batch are compared with.

    `embeddings` (M, d) and `labels` (M,); `own` (N,) is the column of each
    anchor itself.
    """

    embeddings: Tensor
    labels: Tensor
    own: Tensor


def references_of(
    x: Tensor, labels: Tensor, cross_replica: bool, memory: Memory | None = None
) -> References:
    """The batch itself or those of all replicas, then what is remembered."""
    references, others, first = x, labels, 0
    if cross_replica:
        references, first = replicas.gather_over_replicas(x)
        others, _ = replicas.gather_over_replicas(labels)
    if memory is not None:
        references = ops.concatenate([references, memory.embeddings])
        others = ops.concatenate([others, memory.labels])
    own = first + ops.arange(ops.shape(x)[0], dtype="int32")
    return References(references, others, own)


def batch_pairs(
    x: Tensor, labels: Tensor, cross_replica: bool, memory: Memory | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """References, masks of pairs and of pairs of one class, both (N, M).

    No sample pairs with itself, nor with `NOBODY`.
    """
    references, others, own = references_of(x, labels, cross_replica, memory)
    there = ops.arange(ops.shape(references)[0], dtype="int32")
    pairs = ops.not_equal(ops.expand_dims(own, 1), ops.expand_dims(there, 0))
    if memory is not None:
        pairs = pairs & ops.expand_dims(ops.not_equal(others, NOBODY), 0)
    same = ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(others, 0))
    return references, pairs, same & pairs
