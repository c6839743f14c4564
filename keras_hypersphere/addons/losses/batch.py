"""What the functions of this package accept, and masks of pairs."""

from typing import Any

from keras import ops

from keras_hypersphere.ops import class_ids, gradients

Tensor = Any


def matrix(y_pred: Tensor, square: bool = False) -> Tensor:
    """A float32 or float64 matrix; half types become float32."""
    y_pred = ops.convert_to_tensor(y_pred)
    shape = tuple(y_pred.shape)
    if len(shape) != 2:
        raise ValueError(
            "`y_pred` must be a matrix, one row a sample. "
            f"Received: y_pred.shape={shape}."
        )
    if square and None not in shape and shape[0] != shape[1]:
        raise ValueError(
            "`y_pred` must be a square matrix of similarities, such as "
            "`keras.ops.matmul(a, keras.ops.transpose(b))`. "
            f"Received: y_pred.shape={shape}."
        )
    return gradients.at_least_float32(y_pred)


def same_class(labels: Tensor) -> Tensor:
    """(N, N) mask of pairs of one class, every sample with itself too."""
    return ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(labels, 0))


def other_samples(labels: Tensor) -> Tensor:
    """(N, N) mask of everything but the diagonal."""
    index = ops.arange(ops.shape(labels)[0], dtype="int32")
    return ops.not_equal(ops.expand_dims(index, 1), index)


def keep_nan(loss: Tensor, x: Tensor, wrong: Tensor | None) -> Tensor:
    """NaN if `x` is not finite, or labels, unseen, are wrong.

    Training that diverged must not look finished.
    """
    finite = ops.all(ops.isfinite(x))
    loss = class_ids.nan_where(ops.logical_not(finite), loss)
    return class_ids.nan_where(wrong, loss)
