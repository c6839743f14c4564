"""Blobs as rows of numbers, in Caffe's order."""

import math

import keras

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
    caffe_shape,
)


def flatten(layer: Emission, x: Tensor, part: str = "") -> Tensor:
    """All axes but the first as one, in the order C, H, W.

    So weights of an InnerProduct stay as Caffe stores them.
    """
    if len(x.shape) == 2:
        return x if part else layer.label(x)
    if len(x.shape) == 4 and (x.shape[1], x.shape[2]) != (1, 1):
        x = layer.add(
            keras.layers.Permute,
            x,
            f"{part or 'flatten'}_nchw",
            dims=(3, 1, 2),
        )
    # `Flatten` would make (N, 1) of (N,).
    return layer.add(keras.layers.Flatten, x, part)


def rows(layer: Emission, x: Tensor, axis: int) -> Tensor:
    """The axes from one on as one, all in Caffe's order."""
    if axis == 1:
        return flatten(layer, x, "flatten")
    sizes = caffe_shape(x)[1:]
    if len(x.shape) == 4:
        x = layer.add(keras.layers.Permute, x, "nchw", dims=(3, 1, 2))
    if axis == len(sizes):
        return x
    sizes = (*sizes[: axis - 1], math.prod(sizes[axis - 1 :]))
    return layer.add(keras.layers.Reshape, x, "flatten", target_shape=sizes)
