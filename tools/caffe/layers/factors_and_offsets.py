"""Factors and offsets as weights of stock Keras layers.

Keras has no layer that multiplies by an array of any shape, but some of its
layers do it for certain kernels.
"""

import string
from collections.abc import Sequence

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)

LETTERS = string.ascii_lowercase


def hold_affine(
    layer: Emission,
    x: Tensor,
    axes: Sequence[int],
    factors: np.ndarray,
    offsets: np.ndarray | None = None,
    limit: keras.constraints.Constraint | None = None,
) -> Tensor:
    """`x * factors + offsets`, as weights that can be trained.

    Args:
        layer: The Caffe layer.
        x: Its bottom.
        axes: Caffe's axes of `x` that the factors span; none for a number.
        factors, offsets: In Caffe's order.
        limit: Keeps the factors in a range.
    """
    weights = [w for w in (factors, offsets) if w is not None]
    if not axes:
        return hold_number(layer, x, weights, limit)
    if list(axes) == [1] and len(x.shape) == 4:
        factors, *rest = weights
        # A depthwise kernel of one cell is a factor for each channel.
        return layer.add(
            keras.layers.DepthwiseConv2D,
            x,
            weights=[factors.reshape(1, 1, -1, 1), *rest],
            kernel_size=1,
            use_bias=bool(rest),
            depthwise_constraint=limit,
        )
    places = [layer.axis(axis, x) for axis in axes]
    order = np.argsort(places)
    weights = [w.transpose(order) for w in weights]
    if 0 in axes:
        return hold_samples(layer, x, sorted(places), weights, limit)
    return hold_array(layer, x, sorted(places), x.shape, weights, limit)


def hold_number(
    layer: Emission,
    x: Tensor,
    weights: Sequence[np.ndarray],
    limit: keras.constraints.Constraint | None,
) -> Tensor:
    """One factor for all: a dense layer of one unit that sees each cell."""
    shape = tuple(x.shape[1:])
    x = layer.add(keras.layers.Reshape, x, "cells", target_shape=(*shape, 1))
    factor, *rest = weights
    x = layer.add(
        keras.layers.Dense,
        x,
        weights=[factor.reshape(1, 1), *[w.reshape(1) for w in rest]],
        units=1,
        use_bias=bool(rest),
        kernel_constraint=limit,
    )
    return layer.add(keras.layers.Reshape, x, "shape", target_shape=shape)


def hold_array(
    layer: Emission,
    x: Tensor,
    places: Sequence[int],
    shape: Sequence[int | None],
    weights: Sequence[np.ndarray],
    limit: keras.constraints.Constraint | None,
) -> Tensor:
    """Factors along axes of the tensor: a product that sums nothing."""
    long = [place for place in places if shape[place] != 1]
    if len(weights) > 1 and len(long) == 1 and misread(shape, *long):
        return hold_last(layer, x, long[0], shape, weights, limit)
    names = LETTERS[: len(shape)]
    spanned = "".join(names[place] for place in places)
    factors, *rest = weights
    # Biases have an axis of 1 for each that they lack behind the first.
    wide = [
        shape[place] if place in places else 1
        for place in range(places[0], len(shape))
    ]
    return layer.add(
        keras.layers.EinsumDense,
        x,
        weights=[factors, *[w.reshape(wide) for w in rest]],
        equation=f"{names},{spanned}->{names}",
        output_shape=tuple(shape[1:]),
        bias_axes=spanned if rest else None,
        kernel_constraint=limit,
    )


def misread(shape: Sequence[int | None], place: int) -> bool:
    """Whether Keras on TensorFlow takes a bias to be along another axis.

    Its `add` looks for a last or a second axis of the bias's length, wherever
    the bias has its own.
    """
    last = len(shape) - 1
    found = next((i for i in (last, 1) if shape[i] == shape[place]), place)
    return found != place


def hold_last(
    layer: Emission,
    x: Tensor,
    place: int,
    shape: Sequence[int | None],
    weights: Sequence[np.ndarray],
    limit: keras.constraints.Constraint | None,
) -> Tensor:
    """Factors and offsets along one axis, which becomes the last one."""
    x = layer.compute(keras.ops.moveaxis, x, place, -1, part="moved")
    moved = [*shape[:place], *shape[place + 1 :], shape[place]]
    weights = [w.ravel() for w in weights]
    x = hold_array(layer, x, [len(shape) - 1], moved, weights, limit)
    x = layer.compute(keras.ops.moveaxis, x, -1, place, part="back")
    return layer.label(x, "top")


def hold_samples(
    layer: Emission,
    x: Tensor,
    places: Sequence[int],
    weights: Sequence[np.ndarray],
    limit: keras.constraints.Constraint | None,
) -> Tensor:
    """Factors for each sample: the batch becomes an axis of one sample."""
    sizes = x.shape[1:]
    count = weights[0].shape[0]
    x = layer.compute(
        keras.ops.reshape, x, (1, count, *sizes), part="one_sample"
    )
    places = [place + 1 for place in places]
    x = hold_array(layer, x, places, (1, count, *sizes), weights, limit)
    x = layer.compute(keras.ops.reshape, x, (-1, *sizes), part="samples")
    return layer.label(x, "top")
