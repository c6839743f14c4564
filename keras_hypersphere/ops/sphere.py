"""Lengths and directions that survive every scale.

A float32 square overflows above 1.8e19 and vanishes below 1e-19, its cube in
the derivative of `x / |x|` much earlier. So vectors are divided by their
largest entry first; that factor is a constant for the gradient, because the
result does not depend on it.
"""

import math
from typing import Any

import keras
from keras import ops

from keras_hypersphere.backend import column_reductions
from keras_hypersphere.ops import bounds
from keras_hypersphere.ops.larger import larger

Tensor = Any


def normalize(
    x: Tensor, axis: int = -1, norm: str = "l2", epsilon: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Returns directions and lengths (axis kept as 1) of vectors.

    `"l2"`: length `sqrt(sum(x^2) + epsilon)`; `"l1"`: `sum(|x|) + epsilon`.
    The direction of a zero vector is zero, and its gradient is finite.
    """
    root = norm == "l2"
    floor = math.sqrt(epsilon) if root else epsilon
    if root and floor > 0 and x.shape[axis] == 1:
        return _normalize_numbers(x, floor)
    factor = scale(x, axis, floor)
    u = x / factor
    total = ops.sum(
        ops.square(u) if root else magnitude(u), axis, keepdims=True
    )
    if epsilon > 0:
        small = floor / factor
        total = total + (ops.square(small) if root else small)
        size = ops.sqrt(total) if root else total
        return u / size, factor * size
    # Only a zero vector has a scaled sum below 1.
    empty = total < 0.5
    safe = ops.where(empty, ops.ones_like(total), total)
    size = ops.sqrt(safe) if root else safe
    length = ops.where(empty, ops.zeros_like(size), factor * size)
    return u / size, length


def _normalize_numbers(x: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    # The derivative of x / sqrt(x^2 + floor^2) is floor^2 / r^3; as a
    # difference of nearly equal numbers it would have no digits left.
    size = magnitude(x)
    large = size > floor
    t = floor / ops.where(large, size, ops.ones_like(x))
    v = ops.where(large, ops.zeros_like(x), x / floor)
    near, far = ops.sqrt(1.0 + ops.square(v)), ops.sqrt(1.0 + ops.square(t))
    unit = ops.where(large, ops.sign(x) / far, v / near)
    return unit, ops.where(large, size * far, floor * near)


def magnitude(x: Tensor) -> Tensor:
    """`|x|` with slope 0 at 0, where JAX gives 1."""
    return x * ops.stop_gradient(ops.sign(x))


def scale(x: Tensor, axis: int | tuple = -1, floor: float = 0.0) -> Tensor:
    """Largest magnitude along `axis`, at least `floor`, 1 where it is 0.

    A constant for the gradient.
    """
    # `initial` lets an empty batch, a replica without samples, pass.
    # Two reductions: `abs` would be a copy of x.
    x = ops.stop_gradient(x)
    if column_reductions.row_by_row(x, axis):
        largest = column_reductions.magnitudes(x)
    else:
        largest = larger(
            ops.max(x, axis, True, initial=0.0),
            -ops.min(x, axis, True, initial=0.0),
        )
    # XLA multiplies by reciprocals; those of larger numbers vanish.
    wide = keras.backend.standardize_dtype(x.dtype) == "float64"
    largest = bounds.at_most(largest, 2.0**1022 if wide else 2.0**126)
    if floor > 0:
        return bounds.at_least(largest, floor)
    return ops.where(largest > 0, largest, ops.ones_like(largest))


def split(
    x: Tensor, axis: int = -1, epsilon: float = 0.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns (factor, size, empty) with length = factor * size.

    The length is `sqrt(sum(x^2) + epsilon)`. `factor` is a constant, `size`
    lies between 1 and sqrt(d + 1), so its powers stay in range. Where
    `empty`, the vector is zero, without epsilon, and both are 1.
    """
    floor = math.sqrt(epsilon)
    factor = scale(x, axis, floor)
    if column_reductions.row_by_row(x, axis):
        total = column_reductions.sums_of_squares(x, factor)
    else:
        total = ops.sum(ops.square(x / factor), axis, keepdims=True)
    if floor > 0:
        total = total + ops.square(floor / factor)
    empty = total < 0.5
    size = ops.sqrt(ops.where(empty, ops.ones_like(total), total))
    return factor, size, empty
