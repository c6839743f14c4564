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


@register_layer("InnerProduct")
def inner_product(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Permute` to C, H, W, `Flatten` and `Dense`; any axis, `transpose`."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.inner_product_param
    if settings.normalize:
        layer.unsupported("`normalize: true` is not supported")
    layer.axis(settings.axis, x)
    axis = settings.axis % len(x.shape)
    if axis == 0:
        layer.unsupported("`axis: 0` would make one row of the whole batch")
    units = settings.num_output
    if units < 1:
        layer.fail("has no `num_output`")
    size = math.prod(caffe_shape(x)[axis:])
    shape = (size, units) if settings.transpose else (units, size)
    declared = [(shape, settings.weight_filler)]
    if settings.bias_term:
        declared.append(((units,), settings.bias_filler))
    kernel, *bias = layer.blobs(*declared)
    x = layer.add(
        keras.layers.Dense,
        rows(layer, x, axis),
        weights=[kernel if settings.transpose else kernel.T, *bias],
        units=units,
        use_bias=settings.bias_term,
    )
    if axis == 3:
        # Four axes again: N, C, H and the units.
        x = layer.add(keras.layers.Permute, x, "nhwc", dims=(2, 3, 1))
    return x
