"""Which classes take part in a step: all of the batch, and some of the rest.

PartialFC's rule. Each class gets a number that no other has, from a counter
and not from a generator, so that backends and replicas draw the same.
"""

from typing import Any, NamedTuple

from keras import ops

from keras_hypersphere.ops import counter_normal

Tensor = Any

# The number of a class that must be drawn.
FIRST = 2**31 - 1


class Draw(NamedTuple):
    """`classes`, (K,) int32; which are `real` (None: all), and `given`.

    Given are those of the batch; `log_odds` is `-log` of the probability
    with which each of the others is drawn.
    """

    classes: Tensor
    real: Tensor | None
    given: Tensor
    log_odds: Tensor


def draw(labels: Tensor, units: int, count: int, seed: Tensor) -> Draw:
    """All classes of the batch, and others, `count` of them together.

    If the batch has more than `count` classes, its classes alone.

    Args:
        labels: `(N,)` int32 of the whole batch, a negative one is no class.
        units: int, number of classes.
        count: int, from 1 to `units`.
        seed: `(2,)` integers.
    """
    seed = ops.cast(seed, "int32")
    mixed = counter_normal.mixed
    key = mixed(ops.bitwise_xor(mixed(seed[0]), seed[1]))
    every = ops.arange(units, dtype="int32")
    numbers = mixed(ops.bitwise_xor(mixed(ops.bitwise_xor(every, key)), key))
    # Negative labels mark a place behind the last class.
    place = ops.where(labels < 0, units, labels)
    marks = ops.scatter_update(
        ops.zeros((units + 1,), "int32"),
        ops.expand_dims(place, 1),
        ops.ones_like(place),
    )
    given = marks[:units] > 0
    present = ops.sum(ops.cast(given, "int32"))
    numbers = ops.where(given, FIRST, ops.minimum(numbers, FIRST - 1))
    size = labels.shape[0]
    if size is None:
        size = ops.minimum(ops.shape(labels)[0], units)
        most = ops.maximum(size, count)
    else:
        most = max(count, min(size, units))
    _, classes = ops.top_k(numbers, most)
    classes = ops.cast(classes, "int32")
    real = None
    drawn = ops.cast(count, "int32")
    if not isinstance(most, int) or most > count:
        drawn = ops.maximum(present, count)
        real = ops.arange(ops.shape(classes)[0], dtype="int32") < drawn
    given = ops.take(given, classes, axis=0)
    left = ops.maximum(ops.cast(units - present, "float32"), 1.0)
    taken = ops.maximum(ops.cast(drawn - present, "float32"), 1.0)
    return Draw(classes, real, given, ops.log(left / taken))
