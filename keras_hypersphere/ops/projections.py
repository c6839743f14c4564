"""Lengths of weights, and products with their directions, without copies.

`x.(w / |w|)` is `(x.w) / |w|`: one number for each column of the kernel is
kept, where a normalized kernel and its gradients would each be as large as
the kernel itself. For the same reason derivatives of lengths are written out.
"""

from typing import Any

from keras import ops

from keras_hypersphere.backend import column_reductions
from keras_hypersphere.ops import gradients, products, sphere

Tensor = Any


def project(
    x: Tensor,
    kernel: Tensor,
    epsilon: float = 0.0,
    straight_through: bool = False,
) -> Tensor:
    """(..., d) and (d, C) -> (..., C) lengths of x along the columns.

    If `straight_through`, the kernel's gradient passes the normalization
    unchanged.
    """
    if straight_through:
        unit, _ = sphere.normalize(kernel, 0, epsilon=epsilon)
        return products.matmul(x, gradients.straight_through(unit, kernel))
    return products.matmul(x, kernel) * inverse_length(kernel, 0, epsilon)


def length(w: Tensor, axis: int) -> Tensor:
    """`sqrt(sum(w^2))` of vectors (axis kept as 1)."""

    @ops.custom_gradient
    def measure(w: Tensor) -> tuple[Tensor, Any]:
        factor, size, empty = sphere.split(w, axis)
        value = ops.where(empty, ops.zeros_like(size), factor * size)

        def grad(*args: Tensor, upstream: Tensor = None) -> Tensor:
            if upstream is None:
                (upstream,) = args
            return w * (1.0 / factor / size) * upstream

        return value, grad

    return measure(ops.convert_to_tensor(w))


def inverse_length(w: Tensor, axis: int, epsilon: float = 0.0) -> Tensor:
    """`1 / sqrt(sum(w^2) + epsilon)` of vectors (axis kept as 1).

    1 for a zero vector without epsilon.
    """

    @ops.custom_gradient
    def invert(w: Tensor) -> tuple[Tensor, Any]:
        plain = None
        if epsilon == 0:
            plain = column_reductions.plain_lengths(w, axis)
        if plain is not None:
            value = 1.0 / plain
        else:
            factor, size, _ = sphere.split(w, axis, epsilon)
            # In two steps: the product may overflow.
            value = 1.0 / factor / size

        def grad(*args: Tensor, upstream: Tensor = None) -> Tensor:
            if upstream is None:
                (upstream,) = args
            if plain is not None:
                return w * (-upstream * value * value * value)
            # What comes from a product is as small as w: in this order
            # nothing overflows before the result does.
            return (w * value) * (-upstream * value * value)

        return value, grad

    return invert(ops.convert_to_tensor(w))
