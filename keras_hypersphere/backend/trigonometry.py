"""Sines and cosines in the precision of what they are of.

On JAX, Keras's own compute float64 in float32.
"""

from typing import Any

import keras
from keras import ops

Tensor = Any


def cos(x: Tensor) -> Tensor:
    """Elementwise cosine."""
    return _functions().cos(x)


def sin(x: Tensor) -> Tensor:
    """Elementwise sine."""
    return _functions().sin(x)


def arctan2(y: Tensor, x: Tensor) -> Tensor:
    """Elementwise angle of the point (x, y)."""
    return _functions().arctan2(y, x)


def _functions() -> Any:
    if keras.backend.backend() != "jax":
        return ops
    import jax.numpy

    return jax.numpy
