"""Class labels: what heads and losses accept, and what they say otherwise.

Inside, labels are `(N,)` int32: a class, `IGNORED`, or `OUTSIDE`.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.backend import assertions, compilation

Tensor = Any

# No class at all: such a sample has no margin and no loss, and moves nothing.
IGNORED = -1
# Not a class, found where nobody can be told: its results are NaN.
OUTSIDE = -2

ADVICE = (
    "pass class indices of shape (N,) or (N, 1); for one-hot labels, pass "
    "`keras.ops.argmax(labels, axis=-1)`"
)
NUMBERS = "for names, pass `np.unique(names, return_inverse=True)[1]`"


def class_indices(
    labels: Tensor,
    units: int,
    batch: int | None,
    ignore_class: int | None = None,
) -> Tensor:
    """Returns (N,) int32 class indices, checked as far as one can see.

    Shapes are always checked, values where they are visible. Inside a
    compiled step a graph of TensorFlow raises, and what XLA compiles marks
    the label as `OUTSIDE`; see `poisoned`.
    """
    labels = numbers(labels)
    check_shape(tuple(labels.shape), batch)
    seen = not isinstance(labels, keras.KerasTensor) and check_values(
        labels, units, ignore_class
    )
    labels = _comparable(ops.reshape(ops.convert_to_tensor(labels), (-1,)))
    ignored = None
    if ignore_class is not None:
        ignored = ops.equal(labels, ignore_class)
    if not seen:
        labels = _marked(labels, units, ignored)
    labels = ops.cast(labels, "int32")
    if ignored is not None:
        labels = ops.where(ignored, IGNORED, labels)
    return labels


def numbers(labels: Any) -> Tensor:
    """Labels as they are, as an array if they are a list; refuses text."""
    if not hasattr(labels, "shape"):
        labels = np.asarray(labels)
    if isinstance(labels, np.ndarray) and labels.dtype.kind not in "iufb":
        raise ValueError(
            "`labels` must be class indices. Received: labels of dtype "
            f"{labels.dtype}; {NUMBERS}."
        )
    if str(labels.dtype) in ("string", "<dtype: 'string'>"):
        raise ValueError(
            "`labels` must be class indices. Received: labels of dtype "
            f"string; {NUMBERS}."
        )
    return labels


def check_shape(shape: tuple[int | None, ...], batch: int | None) -> None:
    """Refuses what is neither (N,) nor (N, 1)."""
    if not (len(shape) == 1 or (len(shape) == 2 and shape[1] == 1)):
        raise ValueError(
            "`labels` must hold one class index per sample. "
            f"Received: labels.shape={shape}; {ADVICE}."
        )
    if None not in (shape[0], batch) and shape[0] != batch:
        raise ValueError(
            f"`labels` must hold one class index for each of the {batch} "
            f"samples. Received: labels.shape={shape}; {ADVICE}."
        )


def check_values(
    labels: Tensor, units: int, ignore_class: int | None = None
) -> bool:
    """Refuses fractions and indices outside `[0, units)`.

    Returns whether there was anything to see.
    """
    try:
        values = ops.convert_to_numpy(labels)
    except (NotImplementedError, TypeError):
        return False  # Traced: the values do not exist yet.
    values = np.asarray(values).astype("float64")
    whole = np.isfinite(values) & (values == np.floor(values))
    if not whole.all():
        raise ValueError(
            "`labels` must be whole numbers. "
            f"Received: labels={values[~whole].ravel()[0]}; {ADVICE}."
        )
    outside = (values < 0) | (values >= units)
    if ignore_class is not None:
        outside &= values != ignore_class
    if outside.any():
        raise ValueError(
            f"`labels` must lie in [0, {units}), the classes of this layer. "
            f"Received: labels={values[outside].ravel()[0]:.0f}; raise "
            "`units`, renumber the classes from 0, or name the class to "
            "leave out in `ignore_class`."
        )
    return True


def kept(labels: Tensor) -> Tensor:
    """(N,) class indices -> which of them are not ignored."""
    return ops.not_equal(labels, IGNORED)


def poisoned(values: Tensor, labels: Tensor) -> Tensor:
    """NaN in the rows of labels that are no class, where nobody was told."""
    if not compilation.steps_are_compiled():
        return values
    outside = ops.equal(labels, OUTSIDE)
    outside = ops.reshape(outside, (-1,) + (1,) * (len(values.shape) - 1))
    return ops.where(outside, ops.full_like(values, float("nan")), values)


def _comparable(labels: Tensor) -> Tensor:
    """Labels of a dtype in which every number of classes can be said."""
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if dtype in ("float16", "bfloat16"):
        return ops.cast(labels, "float32")
    if dtype in ("uint32", "uint64"):
        # What is too large for int32 is no class, and must not become one.
        return ops.cast(ops.minimum(labels, 2**31 - 1), "int32")
    if dtype in ("bool", "int8", "uint8", "int16", "uint16"):
        return ops.cast(labels, "int32")
    return labels


def _marked(labels: Tensor, units: int, ignored: Tensor | None) -> Tensor:
    """Marks labels of a traced step that are no class.

    Before they are cast: numbers beyond int32 and NaN would become classes.
    """
    inside = ops.logical_and(labels >= 0, labels < units)
    if "float" in keras.backend.standardize_dtype(labels.dtype):
        inside = ops.logical_and(inside, ops.equal(labels, ops.round(labels)))
    if ignored is not None:
        inside = ops.logical_or(inside, ignored)
    if not isinstance(labels, keras.KerasTensor):
        labels = assertions.require(
            ops.all(inside),
            f"`labels` must lie in [0, {units}), the classes of this layer: "
            "raise `units`, renumber the classes from 0, or name the class "
            "to leave out in `ignore_class`.",
            labels,
        )
    return ops.where(inside, labels, ops.full_like(labels, OUTSIDE))
