"""Distances between all rows of a batch: one matrix product, fast slopes.

`distances.py` measures rows from the weights of a layer, which automatic
differentiation passes over; here N x N numbers are passed over once.
"""

from typing import Any

from keras import ops

from keras_hypersphere.ops import distances, gradients, products, sphere

Tensor = Any

# Larger entries count as this: sums of squared distances stay finite.
LARGEST = {"float32": 1e13, "float64": 1e148}


def cosine(a: Tensor, b: Tensor | None) -> Tensor:
    """`1 - cos` of all rows; of `a` with itself where `b` is None."""
    units, _ = sphere.normalize(a)
    others = units if b is None else sphere.normalize(b)[0]
    total = 1.0 - products.matmul(units, ops.transpose(others))
    # The gradient is right also where rounding fell below zero.
    total = gradients.straight_through(ops.relu(total), total)
    return _off_diagonal(total) if b is None else total


def squared_l2(a: Tensor, b: Tensor | None) -> Tensor:
    """`|a - b|^2` of all rows; of `a` with itself where `b` is None."""
    alone = b is None
    a = distances.saturate(a, LARGEST)
    b = a if alone else distances.saturate(b, LARGEST)
    middle = _middle(b)
    a = a - middle
    if alone:
        return _squared_of_one(a)
    return _squared_of_two(a, b - middle)


def _middle(b: Tensor) -> Tensor:
    """What to subtract from embeddings that are far from the origin.

    Distances do not change when all vectors move, their rounding does. Steps
    of four times the spread leave vectors around the origin as they are: the
    distances between small whole numbers stay exact.
    """
    b = ops.stop_gradient(b)
    count = ops.maximum(ops.cast(ops.shape(b)[0], b.dtype), 1.0)
    mean = ops.sum(b / count, axis=0)
    spread = ops.max(ops.abs(b - mean), initial=0.0)
    step = 4.0 * ops.where(spread > 0, spread, ops.ones_like(spread))
    return ops.where(spread > 0, ops.round(mean / step) * step, mean)


# The derivative of a squared distance is 2 (a_i - b_j), also where rounding
# fell below zero. By hand it is one or two matrix products; automatic
# differentiation would pass over N x M numbers several times more.


def _squared_of_one(a: Tensor) -> Tensor:
    @ops.custom_gradient
    def squared(a: Tensor) -> tuple[Tensor, Any]:
        def grad(*args: Tensor, upstream: Tensor = None) -> Tensor:
            upstream = args[0] if upstream is None else upstream
            both = upstream + ops.transpose(upstream)
            total = ops.sum(both, axis=1, keepdims=True)
            return 2.0 * (total * a - products.matmul(both, a))

        return _off_diagonal(ops.relu(distances.expanded(a, a))), grad

    return squared(a)


def _squared_of_two(a: Tensor, b: Tensor) -> Tensor:
    @ops.custom_gradient
    def squared(a: Tensor, b: Tensor) -> tuple[Tensor, Any]:
        def grad(*args: Tensor, upstream: Tensor = None) -> Any:
            upstream = args[0] if upstream is None else upstream
            flipped = ops.transpose(upstream)
            rows = ops.sum(upstream, axis=1, keepdims=True)
            columns = ops.sum(flipped, axis=1, keepdims=True)
            return (
                2.0 * (rows * a - products.matmul(upstream, b)),
                2.0 * (columns * b - products.matmul(flipped, a)),
            )

        return ops.relu(distances.expanded(a, b)), grad

    return squared(a, b)


def _off_diagonal(values: Tensor) -> Tensor:
    """Zeros on the diagonal of a square matrix."""
    index = ops.arange(ops.shape(values)[0], dtype="int32")
    diagonal = ops.equal(ops.expand_dims(index, 1), index)
    return ops.where(diagonal, ops.zeros((), values.dtype), values)
