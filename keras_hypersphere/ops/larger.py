"""The larger of two tensors, with one rule for ties."""

from typing import Any

from keras import ops

Tensor = Any


def larger(a: Tensor, b: Tensor) -> Tensor:
    """Elementwise maximum; where they tie, the gradient goes to `b`.

    Caffe's Eltwise does the same. The gradient of `ops.maximum` at a tie
    depends on the backend.
    """
    return ops.where(a > b, a, b)
