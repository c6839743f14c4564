"""cos(m theta) and its monotone continuation, as polynomials of cos(theta).

No arccos: its derivative is infinite at both ends.
"""

import math
from typing import Any

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
