"""How embeddings lie: lengths, angles to weights, cosines between classes."""

import math
from typing import Any

import keras
from keras import ops

from keras_hypersphere.ops import sphere

Tensor = Any


def upcast(x: Tensor) -> Tensor:
    """Half types as float32, for sums; a constant for the gradient."""
    exact = keras.backend.standardize_dtype(x.dtype) in ("float32", "float64")
    return ops.stop_gradient(x if exact else ops.cast(x, "float32"))


def lengths(x: Tensor) -> Tensor:
    """(N, d) vectors -> (N,) Euclidean lengths."""
    return ops.squeeze(sphere.normalize(x)[1], -1)


def angles(x: Tensor, weights: Tensor) -> Tensor:
    """(N, d) and (N, d) -> (N,) degrees; 90 where a vector is zero."""
    u, v = sphere.normalize(x)[0], sphere.normalize(weights)[0]
    # Unlike arccos, exact for small angles too.
    half = ops.arctan2(
        ops.sqrt(ops.sum(ops.square(u - v), axis=-1)),
        ops.sqrt(ops.sum(ops.square(u + v), axis=-1)),
    )
    return half * (360.0 / math.pi)


def pair_cosines(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cosine of the pairs of two classes, and their number.

    Two zero vectors have the cosine 1: they lie on one point. A negative
    label belongs to no class, and to no pair.
    """
    u = sphere.normalize(x)[0]
    zero = ops.logical_not(ops.any(x, axis=-1))
    empty = ops.cast(zero, u.dtype)[:, None]
    cosines = ops.matmul(u, ops.transpose(u)) + empty * ops.transpose(empty)
    real = labels >= 0
    other = (labels[:, None] != labels[None, :]) & real[:, None] & real
    other = ops.cast(other, u.dtype)
    count = ops.sum(other)
    return ops.sum(cosines * other) / ops.maximum(count, 1.0), count
