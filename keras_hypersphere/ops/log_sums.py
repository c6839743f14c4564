"""Logarithms of sums of exponentials over a part of each row."""

from typing import Any

from keras import ops

Tensor = Any

# Stands for minus infinity: its differences are finite, and so are slopes.
LOWEST = -1e30


def log_sum_exp(
    values: Tensor, mask: Tensor, one: bool = False, axis: int = -1
) -> Tensor:
    """`log(sum of exp(values))` along an axis, where `mask` is true.

    With `one`, `log(1 + sum)`, 0 without any. Otherwise what is without any
    gets a number so low that its exponential is 0, with a gradient of 0.
    """
    kept = ops.where(mask, values, ops.full_like(values, LOWEST))
    start = 0.0 if one else LOWEST
    # `initial` lets an empty batch, a replica without samples, pass.
    top = ops.max(ops.stop_gradient(kept), axis, keepdims=True, initial=start)
    top = ops.cast(top, kept.dtype)
    total = ops.sum(ops.exp(kept - top), axis)
    top = ops.squeeze(top, axis)
    return top + ops.log(total + ops.exp(-top) if one else total)
