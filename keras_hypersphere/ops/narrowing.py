"""Results computed in float32 or float64, returned in a half type."""

from typing import Any

from keras import ops

from keras_hypersphere.ops import gradients

Tensor = Any


def narrow(x: Tensor, dtype: str) -> Tensor:
    """Casts; what a half type cannot hold becomes its largest value."""
    bound = gradients.LARGEST.get(dtype)
    if bound is not None:
        x = ops.clip(x, -bound, bound)
    return ops.cast(x, dtype)
