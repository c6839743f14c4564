"""Distances between all embeddings of a batch."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.ops import (
    gradients,
    products,
    sphere,
)

Tensor = Any

DISTANCES = ("squared-l2", "l2", "cosine")
# Larger entries count as this: sums of squared distances stay finite.
LARGEST = {"float32": 1e13, "float64": 1e148}
WIDE = ("float32", "float64")


def pairwise_distance(
    a: Tensor, b: Tensor | None = None, distance: str = "squared-l2"
) -> Tensor:
    """Distances between the rows of two matrices, from one matrix product.

    `"squared-l2"` is `|a_i - b_j|^2`, `"l2"` its root, `"cosine"` is
    `1 - cos(a_i, b_j)`, where a zero vector has a cosine of 0 with all.

    Distances are never negative, and exactly zero on the diagonal if `b` is
    None. Elsewhere they are off by about `1e-7` of the largest squared
    length (around the middle of `b`): unit vectors that are equal may be
    3e-4 apart under `"l2"`. Gradients are finite, and zero where `"l2"` is
    zero. Half-precision inputs are computed in float32.

    Args:
        a: `(N, d)` embeddings.
        b: `(M, d)` embeddings, or None for `a`. Defaults to None.
        distance: `"squared-l2"`, `"l2"` or `"cosine"`. Defaults to
            `"squared-l2"`.

    Returns:
        `(N, M)` distances, float32, or float64 for float64 inputs.

    Raises:
        ValueError: if a shape or the name of the distance is wrong.

    Example:

    >>> x = np.array([[3.0, 4.0], [3.0, 4.0], [0.0, 0.0]])
    >>> np.array(kh.mining.pairwise_distance(x, distance="l2")).tolist()
    [[0.0, 0.0, 5.0], [0.0, 0.0, 5.0], [5.0, 5.0, 0.0]]

    Reference:
        FaceNet: A Unified Embedding for Face Recognition and Clustering
        (2015), https://arxiv.org/abs/1503.03832, whose distance is the
        squared one.
    """
    arguments.choice("distance", distance, DISTANCES)
    a, b = _rows("a", a), None if b is None else _rows("b", b)
    if distance == "cosine":
        return _cosine(a, b)
    squared = _squared(a, b)
    if distance == "squared-l2":
        return squared
    # The root of zero has no slope: zero, as between equal vectors.
    empty = squared <= 0
    safe = ops.where(empty, ops.ones_like(squared), squared)
    return ops.where(empty, ops.zeros_like(safe), ops.sqrt(safe))


def _rows(name: str, x: Tensor) -> Tensor:
    """A float32 or float64 matrix."""
    x = ops.convert_to_tensor(x)
    if len(x.shape) != 2:
        raise ValueError(
            f"`{name}` must be a matrix of embeddings, one a row. "
            f"Received: {name}.shape={tuple(x.shape)}."
        )
    if keras.backend.standardize_dtype(x.dtype) in WIDE:
        return x
    return gradients.upcast(x, "float32")


def _off_diagonal(values: Tensor) -> Tensor:
    """Zeros on the diagonal of a square matrix."""
    index = ops.arange(ops.shape(values)[0], dtype="int32")
    diagonal = ops.equal(ops.expand_dims(index, 1), index)
    return ops.where(diagonal, ops.zeros((), values.dtype), values)


def _cosine(a: Tensor, b: Tensor | None) -> Tensor:
    units, _ = sphere.normalize(a)
    others = units if b is None else sphere.normalize(b)[0]
    total = 1.0 - products.matmul(units, ops.transpose(others))
    # The gradient is right also where rounding fell below zero.
    total = gradients.straight_through(ops.relu(total), total)
    return _off_diagonal(total) if b is None else total


def _squared(a: Tensor, b: Tensor | None) -> Tensor:
    alone = b is None
    a = _saturate(a)
    b = a if alone else _saturate(b)
    middle = _middle(b)
    a = a - middle
    if alone:
        return _squared_of_one(a)
    return _squared_of_two(a, b - middle)


def _saturate(x: Tensor) -> Tensor:
    """Clips what is too large; gradients pass, infinities become NaN."""
    largest = LARGEST[keras.backend.standardize_dtype(x.dtype)]
    return gradients.straight_through(ops.clip(x, -largest, largest), x)


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


def _gram(a: Tensor, b: Tensor) -> Tensor:
    """`|a|^2 + |b|^2 - 2 a.b`, at least zero."""
    rows = ops.sum(ops.square(a), axis=-1, keepdims=True)
    columns = ops.sum(ops.square(b), axis=-1)
    # Doubling is exact, and cheaper before the product.
    total = rows + columns - products.matmul(a, ops.transpose(2.0 * b))
    return ops.relu(total)


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

        return _off_diagonal(_gram(a, a)), grad

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

        return _gram(a, b), grad

    return squared(a, b)
