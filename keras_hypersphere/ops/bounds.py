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


def nan_unless_finite(values: Tensor, rows: Tensor) -> Tensor:
    """(N,) values, NaN for the rows of an (N, C) tensor that are not finite.

    Comparisons with NaN are false: without this, a hinge of it is zero.
    """
    sound = ops.all(ops.isfinite(rows), axis=-1)
    return values * ops.where(sound, 1.0, ops.full_like(values, float("nan")))
