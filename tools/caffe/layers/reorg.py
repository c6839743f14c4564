"""Reorg: squares of cells become channels, as Darknet counts them."""

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)


def reorg_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Number by number between a blob of few channels and one of many.

    Without `reverse` Darknet reads the bottom as if it were of few channels
    and large, and writes in the bottom's own shape.
    """
    (x,) = bottoms
    settings = layer.parameter.reorg_param
    step = settings.stride
    count, channels, height, width = x.shape
    few = channels // step**2
    read = x.reshape(count, -1)
    made = np.zeros_like(read)
    for c, h, w in np.ndindex(channels, height, width):
        offset, channel = divmod(c, few)
        down, across = divmod(offset, step)
        small = (c * height + h) * width + w
        large = (
            (channel * height * step + h * step + down) * width + w
        ) * step + across
        if settings.reverse:
            made[:, large] = read[:, small]
        else:
            made[:, small] = read[:, large]
    if settings.reverse:
        return made.reshape(count, few, height * step, width * step)
    return made.reshape(
        count, channels * step**2, height // step, width // step
    )


@register_layer("Reorg", reference=reorg_reference)
def reorg(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Reshape` and `Permute` in Caffe's order; both directions."""
    x = layer.expect(inputs, 1, rank=4)
    settings = layer.parameter.reorg_param
    step = settings.stride
    if step < 1:
        layer.fail("`stride` must be positive")
    if layer.parameter.bottom[0] == layer.parameter.top[0]:
        layer.fail("cannot work in place; give the top another name")
    _, height, width, channels = x.shape
    few, rest = divmod(channels, step**2)
    if rest:
        layer.unsupported(
            f"{channels} channels, which the square of `stride: {step}` does "
            "not divide, are not supported: Caffe reads past the bottom"
        )
    if not settings.reverse and (height % step or width % step):
        layer.unsupported(
            f"{height} x {width} cells, which `stride: {step}` does not "
            "divide, are not supported: Caffe writes past the top"
        )
    x = layer.add(keras.layers.Permute, x, "nchw", dims=(3, 1, 2))
    if settings.reverse:
        parted = (step, step, few, height, width)
        order = (3, 4, 1, 5, 2)
        shape = (few, height * step, width * step)
    else:
        parted = (few, height, step, width, step)
        order = (3, 5, 1, 2, 4)
        shape = (channels * step**2, height // step, width // step)
    x = layer.add(keras.layers.Reshape, x, "squares", target_shape=parted)
    x = layer.add(keras.layers.Permute, x, "turns", dims=order)
    x = layer.add(keras.layers.Reshape, x, "reshape", target_shape=shape)
    return layer.add(keras.layers.Permute, x, dims=(2, 3, 1))
