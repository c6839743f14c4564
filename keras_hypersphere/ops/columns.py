"""The entry of each row that belongs to the row's target class.

By a comparison mask: the gradient of a gather by indices is a
scatter, which XLA runs slowly and JAX fills with NaN outside the range.
A label that is not among the columns has an empty mask and changes nothing.
"""

from typing import Any

from keras import ops

Tensor = Any


def mask(labels: Tensor, units: int, classes: Tensor | None = None) -> Tensor:
    """(N,) int32 labels -> (N, units) booleans.

    With `classes`, (K,) int32, columns stand for these: (N, K).
    """
    if classes is None:
        classes = ops.arange(units, dtype="int32")
    return ops.equal(classes, labels[:, None])


def of_classes(kernel: Tensor, classes: Tensor | None) -> Tensor:
    """The columns of (d, C) weights at (K,) classes, or all."""
    return kernel if classes is None else ops.take(kernel, classes, axis=1)


def gather(matrix: Tensor, own: Tensor) -> Tensor:
    """(N, C) values and mask -> (N, 1) values of the target classes."""
    return ops.sum(ops.where(own, matrix, 0.0), axis=-1, keepdims=True)


def scatter(matrix: Tensor, own: Tensor, values: Tensor) -> Tensor:
    """Replaces the target classes' entries by (N, 1) values."""
    return ops.where(own, values, matrix)


def own_weights(kernel: Tensor, labels: Tensor) -> Tensor:
    """(d, C) weights -> (N, d) weights of the target classes, as constants."""
    units = kernel.shape[-1]
    safe = ops.clip(labels, 0, units - 1)
    rows = ops.take(ops.stop_gradient(kernel), safe, axis=1)
    return ops.transpose(rows)
