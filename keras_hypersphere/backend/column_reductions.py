"""Reductions of each column of a matrix, row after row where that is faster.

On CPUs, JAX's compiler (0.10) runs a reduction over the first axis of a
(512, 100000) matrix column by column, and takes longer for it than for a
product with the matrix. A loop over rows is twenty times as fast. PyTorch
makes a pass over the memory for each operation, so that the fewest are best.
"""

from typing import Any

import keras
from keras import ops

Tensor = Any

# Lengths whose powers are far from the ends of float32.
SAFE = 1e-6, 1e6


def row_by_row(x: Tensor, axis: Any) -> bool:
    """Whether this is such a reduction."""
    if keras.backend.backend() != "jax" or axis != 0 or len(x.shape) != 2:
        return False
    import jax

    return x.shape[0] > 1 and jax.default_backend() == "cpu"


def plain_lengths(x: Tensor, axis: Any) -> Tensor | None:
    """(d, C) -> (1, C) lengths by one pass, where nothing can go wrong in it.

    None where a square may overflow or vanish, and on other backends, whose
    compilers make one pass of several operations.
    """
    if keras.backend.backend() != "torch" or axis != 0 or len(x.shape) != 2:
        return None
    import torch

    if x.device.type != "cpu":
        return None
    found = torch.linalg.vector_norm(x.detach(), dim=0, keepdim=True)
    low, high = SAFE
    safe = found.numel() and bool(((found > low) & (found < high)).all())
    return found if safe else None


def magnitudes(x: Tensor) -> Tensor:
    """(d, C) -> (1, C) largest magnitudes."""
    largest, _ = ops.scan(
        lambda a, row: (ops.maximum(a, ops.abs(row)), None),
        ops.zeros_like(x[0]),
        x,
    )
    return largest[None]


def sums_of_squares(x: Tensor, factor: Tensor) -> Tensor:
    """(d, C) and (1, C) -> (1, C) sums of `(x / factor)^2`.

    No gradient is meant to flow through it.
    """
    total, _ = ops.scan(
        lambda a, row: (a + ops.square(row / factor[0]), None),
        ops.zeros_like(x[0]),
        x,
    )
    return total[None]
