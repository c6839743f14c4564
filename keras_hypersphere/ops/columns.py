"""The entry of each row that belongs to the row's own class.

A comparison mask instead of gather and scatter: the gradient of a gather is a
scatter, which XLA runs slowly and JAX fills with NaN outside the range.
A label outside the range has an empty mask and changes nothing.
"""

from typing import Any

from keras import ops

Tensor = Any


def mask(labels: Tensor, units: int) -> Tensor:
    """(N,) int32 labels -> (N, units) booleans."""
    return ops.equal(ops.arange(units, dtype="int32"), labels[:, None])


def pick(matrix: Tensor, own: Tensor) -> Tensor:
    """(N, C) values and mask -> (N, 1) values of the own classes."""
    return ops.sum(ops.where(own, matrix, 0.0), axis=-1, keepdims=True)


def put(matrix: Tensor, own: Tensor, values: Tensor) -> Tensor:
    """Replaces the own classes' entries by (N, 1) values."""
    return ops.where(own, values, matrix)


def own_weights(kernel: Tensor, labels: Tensor) -> Tensor:
    """(d, C) weights -> (N, d) weights of the own classes, as constants."""
    units = kernel.shape[-1]
    safe = ops.clip(labels, 0, units - 1)
    rows = ops.take(ops.stop_gradient(kernel), safe, axis=1)
    return ops.transpose(rows)
