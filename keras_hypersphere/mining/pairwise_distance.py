"""Distances between all embeddings of a batch."""

from typing import Any

from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.ops import batch_distances, gradients

Tensor = Any


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
    arguments.choice("distance", distance, arguments.DISTANCES)
    a, b = _rows("a", a), None if b is None else _rows("b", b)
    if distance == "cosine":
        return batch_distances.cosine(a, b)
    squared = batch_distances.squared_l2(a, b)
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
    return gradients.at_least_float32(x)
