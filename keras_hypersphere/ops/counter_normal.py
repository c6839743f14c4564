"""Normal numbers of a counter: the same on every backend and device.

`keras.random` gives others under XLA than without it on TensorFlow, so that
the same seed would train two models.
"""

import math
from typing import Any

from keras import ops

Tensor = Any

# Multipliers of Wellons's "lowbias32", as int32.
FIRST, SECOND = 0x7FEB352D, 0x846CA68B - 2**32
# Two streams for each number.
STREAMS = (0x3C6EF372, 0x1B873593)
BITS = 24


def normal(index: Tensor, seed: Tensor, dtype: str) -> Tensor:
    """Standard normal numbers of (N,) int32 indices and a (2,) seed."""
    seed = ops.cast(seed, "int32")
    key = mixed(ops.bitwise_xor(mixed(seed[0]), seed[1]))
    angle, radius = (
        mixed(ops.bitwise_xor(mixed(ops.bitwise_xor(index, key)), stream))
        for stream in STREAMS
    )
    # Box and Muller's.
    length = ops.sqrt(-2.0 * ops.log(uniform(radius, dtype)))
    return length * ops.cos(2.0 * math.pi * uniform(angle, dtype))


def uniform(bits: Tensor, dtype: str) -> Tensor:
    """int32 bits -> numbers between 0 and 1, neither of them."""
    low = ops.cast(ops.bitwise_and(bits, 2**BITS - 1), dtype)
    return (low + 0.5) / 2.0**BITS


def mixed(x: Tensor) -> Tensor:
    """A bijection of int32 under which one bit changes half of all."""
    for shift, factor in ((16, FIRST), (15, SECOND), (16, 1)):
        # The shift of a negative number brings ones from above.
        high = ops.bitwise_and(ops.right_shift(x, shift), 2 ** (32 - shift) - 1)
        x = ops.bitwise_xor(x, high) * factor
    return x
