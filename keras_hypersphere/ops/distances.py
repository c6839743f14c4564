"""Distances between the rows of two matrices."""

import math
from typing import Any

from keras import ops

from keras_hypersphere.ops import bounds, gradients, products, sphere
from keras_hypersphere.ops.projections import inverse_length

Tensor = Any

# Up to this many entries of `w`, differences are taken one by one.
SMALL = 16_384
# Larger entries count as this, so that no sum of squares becomes infinite.
LARGEST = {"float32": 2e15, "float64": 1e150}


def pairwise(x: Tensor, w: Tensor, distance: str = "squared-l2") -> Tensor:
    """(N, d) and (C, d) -> (N, C) `"squared-l2"` or `"l1"` distances.

    With few rows `w`, entries are subtracted before they are squared, so
    that small distances are as exact as large ones. With many, that would
    need N x C x d numbers; the square is then `|x|^2 + |w|^2 - 2 x.w`, which
    is off by up to `5e-7 (|x|^2 + |w|^2)` and never below zero, and L1 is
    summed one feature at a time.
    """
    x = saturate(x)
    if math.prod(w.shape) <= SMALL:
        difference = ops.expand_dims(x, 1) - ops.expand_dims(w, 0)
        return ops.sum(measure(difference, distance), axis=-1)
    if distance == "l1":
        return _l1_by_feature(x, w)
    return squared_l2(x, w)


def to_directions(x: Tensor, w: Tensor, epsilon: float) -> Tensor:
    """(N, d) and (C, d) -> (N, C): squared L2 distances to `w / |w|`.

    As `pairwise` of normalized `w`, with `|w| = sqrt(sum(w^2) + epsilon)`,
    but with many rows no normalized copy of them is made.
    """
    if epsilon == 0 or math.prod(w.shape) <= SMALL:
        unit, _ = sphere.normalize(w, 1, epsilon=epsilon)
        return pairwise(x, unit)
    x = saturate(x)
    inverse = ops.transpose(inverse_length(w, 1, epsilon))
    along = products.matmul(-2.0 * x, ops.transpose(w)) * inverse
    return _not_negative(_add_up(x, 1.0 - epsilon * ops.square(inverse), along))


def squared_l2(x: Tensor, w: Tensor) -> Tensor:
    """`|x - w|^2` of all rows: (N, C) numbers and one matrix product."""
    return _not_negative(expanded(x, w))


def expanded(x: Tensor, w: Tensor) -> Tensor:
    """`|x|^2 + |w|^2 - 2 x.w`, which rounding may leave below zero."""
    along = products.matmul(-2.0 * x, ops.transpose(w))
    return _add_up(x, ops.sum(ops.square(w), axis=-1), along)


def _add_up(x: Tensor, w_squares: Tensor, along: Tensor) -> Tensor:
    """The parts of squared distances -> distances."""
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    # Squares first: from i to j must be as far as from j to i.
    return (squares + w_squares) + along


def _not_negative(total: Tensor) -> Tensor:
    """At least zero; the gradient 2 (x - w) is right also below it."""
    return total - ops.stop_gradient(bounds.at_most(total, 0.0))


def rowwise(x: Tensor, w: Tensor, distance: str = "squared-l2") -> Tensor:
    """(N, d) and (N, d) -> (N,): distances of row i to row i."""
    return ops.sum(measure(saturate(x) - w, distance), axis=-1)


def measure(difference: Tensor, distance: str) -> Tensor:
    """What the entries of a difference add to the distance."""
    if distance == "l1":
        return sphere.magnitude(difference)
    return ops.square(difference)


def saturate(x: Tensor, bounds_of: dict[str, float] = LARGEST) -> Tensor:
    """Clips to what can be squared and added; gradients pass, NaN stays."""
    largest = bounds_of["float64" if "64" in str(x.dtype) else "float32"]
    return gradients.straight_through(ops.clip(x, -largest, largest), x)


def _l1_by_feature(x: Tensor, w: Tensor) -> Tensor:
    """L1 distances in (N, C) memory, with their gradient."""

    @ops.custom_gradient
    def distances(x: Tensor, w: Tensor) -> tuple[Tensor, Any]:
        features = ops.transpose(x), ops.transpose(w)

        def add(total: Tensor, feature: Any) -> tuple[Tensor, None]:
            return total + ops.abs(gap(feature)), None

        start = ops.zeros_like(gap((x[:, 0], w[:, 0])))
        total, _ = ops.scan(add, start, features)

        def grad(*args: Tensor, upstream: Tensor = None) -> Any:
            if upstream is None:
                (upstream,) = args

            def slopes(carry: Any, feature: Any) -> tuple[Any, Any]:
                slope = ops.sign(gap(feature)) * upstream
                sums = ops.sum(slope, axis=1), -ops.sum(slope, axis=0)
                return sums, sums

            # What is scanned must look like what is carried.
            start = ops.zeros_like(x[:, 0]), ops.zeros_like(w[:, 0])
            _, (dx, dw) = ops.scan(slopes, start, features)
            return ops.transpose(dx), ops.transpose(dw)

        return total, grad

    return distances(x, w)


def gap(feature: tuple[Tensor, Tensor]) -> Tensor:
    """(N,) and (C,) values of one feature -> (N, C) differences."""
    of_x, of_w = feature
    return ops.expand_dims(of_x, 1) - ops.expand_dims(of_w, 0)
