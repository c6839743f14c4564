"""Matrix products that keep float64."""

from typing import Any

import keras
from keras import ops

Tensor = Any


def matmul(x: Tensor, w: Tensor) -> Tensor:
    """(..., d) and (d, C) tensors in float32 or float64 -> (..., C)."""
    if keras.backend.standardize_dtype(x.dtype) == "float64":
        # On PyTorch, Keras's own would round the product to float32.
        return x @ w
    return ops.matmul(x, w)
