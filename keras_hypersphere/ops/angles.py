"""cos(m theta) and cos(theta + m) as functions of cos(theta).

No arccos: its derivative is infinite at both ends.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.backend import trigonometry
from keras_hypersphere.ops import gradients

Tensor = Any


def chebyshev(cosine: Tensor, degree: int) -> Tensor:
    """`cos(degree * theta)` of `cos(theta)`."""
    before, now = ops.ones_like(cosine), cosine
    if degree == 0:
        return before
    for _ in range(degree - 1):
        before, now = now, 2.0 * cosine * now - before
    return now


def chebyshev_slope(cosine: Tensor, degree: int) -> Tensor:
    """Derivative of `chebyshev` by the cosine."""
    before, now = ops.zeros_like(cosine), ops.ones_like(cosine)
    for _ in range(degree - 1):
        before, now = now, 2.0 * cosine * now - before
    return degree * now


def psi(cosine: Tensor, margin: int) -> Tensor:
    """`(-1)^k cos(m theta) - 2k`, theta in [k pi/m, (k+1) pi/m].

    Falls from 1 at theta = 0 to `1 - 2m` at theta = pi.
    """
    sign, piece = _pieces(cosine, margin)
    return sign * chebyshev(cosine, margin) - 2.0 * piece


def psi_slope(cosine: Tensor, margin: int) -> Tensor:
    """Derivative of `psi` by the cosine."""
    sign, _ = _pieces(cosine, margin)
    return sign * chebyshev_slope(cosine, margin)


def _pieces(cosine: Tensor, margin: int) -> tuple[Tensor, Tensor]:
    # k counts the borders that the angle has passed: never more than m - 1,
    # so rounding at theta = pi cannot choose a piece that does not exist.
    cosine = ops.stop_gradient(cosine)
    sign, piece = ops.ones_like(cosine), ops.zeros_like(cosine)
    for q in range(1, margin):
        passed = cosine < math.cos(q * math.pi / margin)
        piece = piece + ops.cast(passed, cosine.dtype)
        sign = ops.where(passed, -sign, sign)
    return sign, piece


def sine(cosine: Tensor) -> Tensor:
    """`sin(theta)` of `cos(theta)`; 0, without a slope, where it is rounding.

    The root's derivative is infinite where the sine is zero. The rounding of
    a cosine is about as large as the bound here: below it there is no sine.
    """
    square = 1.0 - ops.square(cosine)
    dtype = keras.backend.standardize_dtype(cosine.dtype)
    seen = square > float(np.finfo(dtype).eps)
    root = ops.sqrt(ops.where(seen, square, ops.ones_like(square)))
    return ops.where(seen, root, ops.zeros_like(root))


def turned(cosine: Tensor, angle: Tensor | float) -> Tensor:
    """`cos(theta + angle)` of `cos(theta)`, for angles of either sign."""
    if isinstance(angle, float):
        return cosine * math.cos(angle) - sine(cosine) * math.sin(angle)
    return cosine * trigonometry.cos(angle) - sine(cosine) * trigonometry.sin(
        angle
    )


def shifted(
    cosine: Tensor, margin: Tensor | float, easy: bool = False
) -> Tensor:
    """`cos(theta + margin)` of `cos(theta)`, for margins in [0, pi).

    Beyond `theta = pi - margin` it would rise again: there
    `cos(theta) - margin * sin(margin)`. If `easy`, only angles below pi/2 are
    shifted.
    """
    shift = turned(cosine, margin)
    if easy:
        return ops.where(cosine > 0, shift, cosine)
    if isinstance(margin, float):
        least, drop = -math.cos(margin), margin * math.sin(margin)
    else:
        least, drop = (
            -trigonometry.cos(margin),
            margin * trigonometry.sin(margin),
        )
    return ops.where(cosine > least, shift, cosine - drop)


def stretched(cosine: Tensor, factor: float, shift: float = 0.0) -> Tensor:
    """`(-1)^k cos(phi) - 2k` with `phi = factor * theta + shift`.

    `k = floor(phi / pi)`, so it falls where `cos(phi)` would rise again. For
    a whole `factor` without `shift` it is `psi`. The slope by the cosine is
    `factor * sin(phi) / sin(theta)`, with the sign of the piece; at theta = 0
    without a shift `factor^2`, else 0 where the sine is rounding.
    """
    fixed = ops.stop_gradient(cosine)
    height = sine(fixed)
    theta = ops.cast(trigonometry.arctan2(height, fixed), fixed.dtype)
    # Newton's step: on PyTorch, Keras's arctan2 rounds float64.
    theta = (
        theta
        + height * trigonometry.cos(theta)
        - fixed * trigonometry.sin(theta)
    )
    phi = factor * theta + shift
    piece = ops.floor(phi / math.pi)
    sign = 1.0 - 2.0 * (piece - 2.0 * ops.floor(piece / 2.0))
    value = sign * trigonometry.cos(phi) - 2.0 * piece
    seen = height > 0
    safe = ops.where(seen, height, ops.ones_like(height))
    at_zero = factor * factor if shift == 0 else 0.0
    ends = ops.where(fixed > 0, at_zero, ops.zeros_like(fixed))
    slope = ops.where(seen, factor * sign * trigonometry.sin(phi) / safe, ends)
    return gradients.straight_through(value, slope * cosine)
