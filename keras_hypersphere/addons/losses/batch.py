"""What the functions of this room accept, and masks of pairs."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere.ops import gradients
from keras_hypersphere.ops import labels as class_labels

Tensor = Any

WIDE = ("float32", "float64")
COMPARED = ("int32", "int64", *WIDE)


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
    return wide(y_pred)


def wide(x: Tensor) -> Tensor:
    """float64 stays, everything else becomes float32."""
    if keras.backend.standardize_dtype(x.dtype) in WIDE:
        return x
    return gradients.upcast(x, "float32")


def class_numbers(labels: Tensor, batch: int | None) -> Tensor:
    """(N,) or (N, 1) labels -> (N,) int32, equal where the labels are.

    Labels may be any numbers: negative, larger than int32, floats.
    """
    labels = ops.convert_to_tensor(labels)
    class_labels.check_shape(tuple(labels.shape), batch)
    labels = ops.reshape(labels, (-1,))
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if dtype not in COMPARED:
        large = dtype in ("uint32", "uint64")
        whole = "int64" if large else "int32"
        labels = ops.cast(labels, "float32" if "float" in dtype else whole)
    ascending = ops.sort(labels)
    return ops.cast(ops.searchsorted(ascending, labels), "int32")


def same_class(labels: Tensor) -> Tensor:
    """(N, N) mask of pairs of one class, every sample with itself too."""
    return ops.equal(ops.expand_dims(labels, 1), ops.expand_dims(labels, 0))


def other_samples(labels: Tensor) -> Tensor:
    """(N, N) mask of everything but the diagonal."""
    index = ops.arange(ops.shape(labels)[0], dtype="int32")
    return ops.not_equal(ops.expand_dims(index, 1), index)


def keep_nan(loss: Tensor, x: Tensor) -> Tensor:
    """NaN if `x` has one: training that diverged must not look finished."""
    broken = ops.any(ops.isnan(x))
    return ops.where(broken, ops.full_like(loss, float("nan")), loss)
