"""Sums and gathers over the replicas of a `tf.distribute` strategy.

Everywhere else (one device, another backend, building a model under
`strategy.scope()`) each is the identity. JAX's `keras.distribution` needs
none of this: there, one program sees the whole batch.

Keras divides losses by the number of replicas and sums their gradients, so a
replica's mean counts the same whatever the number of its samples.
`batch_mean` gives the mean of the whole batch instead, and a gradient that
comes out right after what Keras does to it.
"""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.ops import gradients

Tensor = Any


def replica_count() -> int:
    """Number of replicas that run this step together."""
    context = _context()
    return 1 if context is None else context.num_replicas_in_sync


def replica_index() -> int:
    """Which of the replicas this is, from 0."""
    context = _context()
    if context is None:
        return 0
    import tensorflow as tf

    return int(tf.get_static_value(context.replica_id_in_sync_group))


def sum_over_replicas(x: Tensor) -> Tensor:
    """Adds up tensors of one shape; no gradient flows back."""
    context = _context()
    if context is None:
        return x
    return context.all_reduce("SUM", ops.stop_gradient(x))


def gather_over_replicas(x: Tensor) -> tuple[Tensor, Tensor | int]:
    """Rows of all replicas in order, and which of them is our first.

    Replicas may hold different numbers of rows, or none. The gradient of a
    gathered row flows back to the replica that it came from.
    """
    context = _context()
    if context is None:
        return x, 0
    import tensorflow as tf

    # Collectives of integers are not on every device. What comes straight
    # from a data set has no device, which several workers ask for.
    dtype = keras.backend.standardize_dtype(x.dtype)
    wide = dtype if "float" in dtype else "float64"
    placed = tf.identity(ops.cast(x, wide))
    rows = ops.cast(context.all_gather(placed, axis=0), dtype)
    size = ops.reshape(ops.cast(ops.shape(x)[0], "float32"), (1,))
    sizes = context.all_gather(size, axis=0)
    first = ops.sum(sizes[: replica_index()])
    return rows, ops.cast(first, "int32")


def global_batch_size(local: Tensor | int) -> Tensor | int:
    """Number of samples of all replicas."""
    if replica_count() == 1:
        return local
    return sum_over_replicas(ops.cast(local, "float32"))


def batch_mean(total: Tensor, count: Tensor | int) -> Tensor:
    """Mean over the samples of all replicas; zero without any.

    `total` is the sum over the `count` samples of this replica, or over
    weights that add up to `count`, which may be below 1. Each replica gets
    the same mean, so what Keras logs is right for uneven batches too.
    """
    count = ops.cast(count, total.dtype)
    replicas = replica_count()
    if replicas == 1:
        return total / _or_one(count)
    sums = sum_over_replicas(ops.stack([total, count]))
    everyone = _or_one(sums[1])
    return gradients.straight_through(
        sums[0] / everyone, total * (replicas / everyone)
    )


def _or_one(count: Tensor) -> Tensor:
    """What to divide by: nothing is left where the count is 0."""
    return ops.where(count > 0, count, ops.ones_like(count))


def _context() -> Any:
    """The replica context, where there are replicas to talk to."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return None
    return context
