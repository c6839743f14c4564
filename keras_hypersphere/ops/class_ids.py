"""Labels that only have to be told apart: ids of classes, of any size.

Where values are seen, ids that cannot be told apart are a ValueError. Within
a compiled function they are not seen: there the loss becomes NaN.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.ops import labels as class_labels

Tensor = Any

# Whole numbers from here on are not all there: neighbors would be one class.
EXACT = {"float16": 2**11, "bfloat16": 2**8, "float32": 2**24, "float64": 2**53}
RENUMBER = (
    "renumber the classes from 0, such as with "
    "`numpy.unique(labels, return_inverse=True)`"
)


def class_ids(
    labels: Tensor, limit: int, batch: int | None
) -> tuple[Tensor, Tensor | None]:
    """(N,) or (N, 1) labels in `[0, limit)` -> (N,) int32, exact.

    The second is None where the labels were seen; else a bool tensor, whether
    some are outside or not exact.
    """
    labels, seen = _flat(labels, batch)
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if seen:
        _check_exact(labels, dtype)
        whole = labels == np.floor(labels.astype("float64"))
        _refuse(labels, ~whole, "be whole numbers", class_labels.ADVICE)
        outside = (labels < 0) | (labels >= limit)
        _refuse(labels, outside, f"lie in [0, {limit})", RENUMBER)
        return ops.convert_to_tensor(labels.astype("int32")), None
    wrong = _inexact(labels, dtype)
    if not dtype.startswith(("bool", "uint")):
        wrong = wrong | ops.any(labels < 0)
    if dtype in EXACT:
        wrong = wrong | ops.any(labels >= float(limit))
        # A fraction is no id: rounded, it would be another class's.
        whole = ops.round(labels)
        wrong = wrong | ops.any(ops.not_equal(labels, whole))
        labels = whole
    elif dtype != "bool" and limit <= np.iinfo(dtype).max:
        # What no number of the dtype reaches needs no comparing.
        wrong = wrong | ops.any(labels >= limit)
    return ops.cast(labels, "int32"), wrong


def class_ranks(
    labels: Tensor, batch: int | None
) -> tuple[Tensor, Tensor | None]:
    """(N,) or (N, 1) labels, any numbers -> (N,) int32, equal where they are.

    The second is as that of `class_ids`.
    """
    labels, seen = _flat(labels, batch)
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if seen:
        _check_exact(labels, dtype)
        _, ranks = np.unique(labels, return_inverse=True)
        return ops.convert_to_tensor(ranks.reshape(-1).astype("int32")), None
    wrong = _inexact(labels, dtype)
    if dtype not in ("int32", "int64", "float32", "float64"):
        large = dtype in ("uint32", "uint64")
        whole = "int64" if large else "int32"
        labels = ops.cast(labels, "float32" if dtype in EXACT else whole)
    ranks = ops.searchsorted(ops.sort(labels), labels)
    return ops.cast(ranks, "int32"), wrong


def nan_where(wrong: Tensor | None, values: Tensor) -> Tensor:
    """Values that are NaN, with gradients of NaN, where something is wrong.

    `wrong` is a scalar or as `values`; None for nothing.
    """
    if wrong is None:
        return values
    ones = ops.ones_like(values)
    return values * ops.where(wrong, ones * float("nan"), ones)


def _flat(labels: Any, batch: int | None) -> tuple[Any, bool]:
    """(N,) labels, and whether they are seen: NumPy's then."""
    if not hasattr(labels, "shape"):
        labels = np.asarray(labels)
    class_labels.check_shape(tuple(labels.shape), batch)
    kind = getattr(labels.dtype, "kind", str(labels.dtype))
    if kind in ("O", "S", "U", "<dtype: 'string'>"):
        raise ValueError(
            "`labels` must be numbers. "
            f"Received: labels.dtype={labels.dtype}; {RENUMBER}."
        )
    if not isinstance(labels, keras.KerasTensor):
        try:
            return np.asarray(ops.convert_to_numpy(labels)).reshape(-1), True
        except (NotImplementedError, TypeError):
            pass  # Traced: the values do not exist yet.
    return ops.reshape(labels, (-1,)), False


def _inexact(labels: Tensor, dtype: str) -> Tensor:
    """Whether some labels of a float dtype are not exact; NaN is not."""
    if dtype not in EXACT:
        return ops.zeros((), "bool")
    return ops.logical_not(ops.all(ops.abs(labels) < EXACT[dtype]))


def _check_exact(labels: np.ndarray, dtype: str) -> None:
    if dtype not in EXACT:
        return
    values = np.abs(labels.astype("float64"))
    _refuse(labels, ~np.isfinite(values), "be finite", class_labels.ADVICE)
    _refuse(
        labels,
        values >= EXACT[dtype],
        f"be below {EXACT[dtype]} in {dtype}, which rounds larger ones",
        "pass integers",
    )


def _refuse(labels: np.ndarray, wrong: Any, what: str, advice: str) -> None:
    if wrong.any():
        raise ValueError(
            f"`labels` must {what}. Received: labels={labels[wrong][0]}; "
            f"{advice}."
        )
