"""cos(m theta) and cos(theta + m) as functions of cos(theta).

No arccos: its derivative is infinite at both ends.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

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


def shifted(cosine: Tensor, margin: float, easy: bool = False) -> Tensor:
    """`cos(theta + margin)` of `cos(theta)`, for margins in [0, pi).

    Beyond `theta = pi - margin` it would rise again: there
    `cos(theta) - margin * sin(margin)`. If `easy`, only angles below pi/2 are
    shifted.
    """
    square = 1.0 - ops.square(cosine)
    # The root's derivative is infinite where the sine is zero. The rounding
    # of a cosine is about as large as this bound: below it there is no sine.
    dtype = keras.backend.standardize_dtype(cosine.dtype)
    seen = square > float(np.finfo(dtype).eps)
    root = ops.sqrt(ops.where(seen, square, ops.ones_like(square)))
    sine = ops.where(seen, root, ops.zeros_like(root))
    turned = cosine * math.cos(margin) - sine * math.sin(margin)
    if easy:
        return ops.where(cosine > 0, turned, cosine)
    falling = cosine > math.cos(math.pi - margin)
    return ops.where(falling, turned, cosine - margin * math.sin(margin))
