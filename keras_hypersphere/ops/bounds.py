"""Bounds that keep float64: Keras's own round it to float32 on PyTorch."""

from typing import Any

from keras import ops

Tensor = Any


def at_least(x: Tensor, bound: float) -> Tensor:
    """Elementwise maximum of a tensor and a number; NaN stays NaN."""
    return ops.where(x < bound, ops.full_like(x, bound), x)


def at_most(x: Tensor, bound: float) -> Tensor:
    """Elementwise minimum of a tensor and a number; NaN stays NaN."""
    return ops.where(x > bound, ops.full_like(x, bound), x)
