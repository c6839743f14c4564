"""Values with a gradient that is not their own derivative."""

from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any

# What distances and losses are computed in; others are cast up.
WIDE = ("float32", "float64")
LARGEST = {"float16": 65504.0, "bfloat16": float.fromhex("0x1.fep127")}


def straight_through(value: Tensor, surrogate: Tensor) -> Tensor:
    """Gives `value` the gradient of `surrogate`."""
    # The first difference is exactly zero, so the value is not rounded.
    return (surrogate - ops.stop_gradient(surrogate)) + ops.stop_gradient(value)


def at_least_float32(x: Tensor) -> Tensor:
    """float64 stays, everything else becomes float32."""
    if keras.backend.standardize_dtype(x.dtype) in WIDE:
        return x
    return upcast(x, "float32")


def upcast(x: Tensor, dtype: str) -> Tensor:
    """Casts up; the gradient returns within x's finite range.

    The gradient of a normalization is as large as 1 / length, beyond what
    float16 holds, and an infinity would spread through the whole model.
    """
    narrow = keras.backend.standardize_dtype(x.dtype)
    if narrow == dtype:
        return x
    if narrow not in LARGEST:
        return ops.cast(x, dtype)
    bound = np.dtype(dtype).type(LARGEST[narrow])

    @ops.custom_gradient
    def cast_up(value: Tensor) -> tuple[Tensor, Any]:
        def grad(*args: Tensor, upstream: Tensor = None) -> Tensor:
            if upstream is None:
                (upstream,) = args
            return ops.cast(ops.clip(upstream, -bound, bound), narrow)

        return ops.cast(value, dtype), grad

    return cast_up(x)
