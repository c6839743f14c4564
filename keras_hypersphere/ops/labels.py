"""Class labels: what heads and losses accept, and what they say otherwise."""

from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any

ADVICE = (
    "pass class indices of shape (N,) or (N, 1); for one-hot labels, pass "
    "`keras.ops.argmax(labels, axis=-1)`"
)


def class_indices(labels: Tensor, units: int, batch: int | None) -> Tensor:
    """Returns (N,) int32 class indices, checked as far as one can see.

    Shapes are always checked, values only where they are visible: not inside
    a compiled function.
    """
    if not hasattr(labels, "shape"):
        labels = ops.convert_to_tensor(labels)
    shape = tuple(labels.shape)
    check_shape(shape, batch)
    if not isinstance(labels, keras.KerasTensor):
        check_values(labels, units)
    if "float" in keras.backend.standardize_dtype(labels.dtype):
        labels = ops.round(labels)
    return ops.reshape(ops.cast(labels, "int32"), (-1,))


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


def check_values(labels: Tensor, units: int) -> None:
    """Refuses fractions and indices outside `[0, units)`."""
    try:
        values = ops.convert_to_numpy(labels)
    except (NotImplementedError, TypeError):
        return  # Traced: the values do not exist yet.
    values = np.asarray(values).astype("float64")
    whole = np.isfinite(values) & (values == np.floor(values))
    if not whole.all():
        raise ValueError(
            "`labels` must be whole numbers. "
            f"Received: labels={values[~whole].ravel()[0]}; {ADVICE}."
        )
    outside = (values < 0) | (values >= units)
    if outside.any():
        raise ValueError(
            f"`labels` must lie in [0, {units}), the classes of this layer. "
            f"Received: labels={values[outside].ravel()[0]:.0f}; raise "
            "`units` or renumber the classes from 0."
        )
