"""Layers that see a blob as rows of numbers, in Caffe's order."""

import math

import keras

from keras_hypersphere.tools.caffe.emission import (
    Emission,
    Tensor,
    caffe_shape,
)
from keras_hypersphere.tools.caffe.registry import register_layer


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


@register_layer("InnerProduct")
def inner_product(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Permute` to C, H, W, `Flatten` and `Dense`; `axis: 1` only."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.inner_product_param
    if settings.normalize:
        layer.unsupported("`normalize: true` is not supported")
    rank = len(x.shape)
    axis = settings.axis + rank if settings.axis < 0 else settings.axis
    layer.axis(axis, x)
    if axis != 1:
        layer.unsupported(f"`axis: {settings.axis}` is not supported; 1 is")
    units = settings.num_output
    if units < 1:
        layer.fail("has no `num_output`")
    size = math.prod(caffe_shape(x)[1:])
    shape = (size, units) if settings.transpose else (units, size)
    declared = [(shape, settings.weight_filler)]
    if settings.bias_term:
        declared.append(((units,), settings.bias_filler))
    kernel, *bias = layer.blobs(*declared)
    return layer.add(
        keras.layers.Dense,
        flatten(layer, x, "flatten"),
        weights=[kernel if settings.transpose else kernel.T, *bias],
        units=units,
        use_bias=settings.bias_term,
    )


@register_layer("Flatten")
def flatten_layer(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Permute` to C, H, W and `Flatten`; axes 1 to the last only."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.flatten_param
    rank = len(x.shape)
    if settings.axis % rank != 1 or settings.end_axis % rank != rank - 1:
        layer.unsupported("only `axis: 1` and `end_axis: -1` are supported")
    return flatten(layer, x)
