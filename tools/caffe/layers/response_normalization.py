"""LRN: activations over a power of their neighbors' squares."""

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.arrays import pool
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

WITHIN_CHANNEL = 1

ACROSS_CHANNELS = 0


def lrn_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x (k + alpha / n sum x^2)^-beta over n channels, or cells."""
    (x,) = bottoms
    settings = layer.parameter.lrn_param
    size = settings.local_size
    before = (size - 1) // 2
    if settings.norm_region == WITHIN_CHANNEL:
        mean = pool(x * x, (size, size), (before, before), (1, 1), average=True)
        # `k` is left out here.
        return x * (1 + settings.alpha * mean) ** -settings.beta
    squares = np.zeros((len(x), x.shape[1] + 2 * before, *x.shape[2:]))
    squares[:, before : before + x.shape[1]] = x * x
    total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    scale_reference = settings.k + settings.alpha / size * total
    return x * scale_reference**-settings.beta


@register_layer("LRN", reference=lrn_reference, is_one_layer=True)
def lrn(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`AveragePooling2D` of squares, across channels or within each."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.lrn_param
    if len(x.shape) != 4:
        layer.fail(f"its bottom has {len(x.shape)} axes; it takes 4")
    if settings.local_size % 2 == 0:
        layer.fail(
            f"`local_size: {settings.local_size}` must be odd, with as many "
            "neighbors on either side"
        )
    across = settings.norm_region == ACROSS_CHANNELS
    squares = layer.compute(keras.ops.square, x, part="square")
    average = across_channels if across else within_channel
    # The mean, padding included: alpha is for the sum over the size in Caffe.
    mean = average(layer, squares, settings.local_size)
    # Within a channel Caffe does not read `k`.
    scale = layer.add(
        keras.layers.Rescaling,
        mean,
        "scale",
        scale=settings.alpha,
        offset=settings.k if across else 1.0,
    )
    factor = layer.compute(keras.ops.power, scale, -settings.beta, part="power")
    return layer.add(keras.layers.Multiply, [x, factor])


def across_channels(layer: Emission, squares: Tensor, size: int) -> Tensor:
    """Means over channels: they become the width of an image, to be pooled."""
    height, width, channels = squares.shape[1:]
    cells = layer.add(
        keras.layers.Reshape,
        squares,
        "cells",
        target_shape=(height * width, channels, 1),
    )
    means = mean_around(layer, cells, (1, size))
    return layer.add(
        keras.layers.Reshape,
        means,
        "means",
        target_shape=(height, width, channels),
    )


def within_channel(layer: Emission, squares: Tensor, size: int) -> Tensor:
    """Means over the places around each place."""
    return mean_around(layer, squares, (size, size))


def mean_around(layer: Emission, x: Tensor, sizes: tuple[int, int]) -> Tensor:
    """Means around each cell; zeros beyond the ends count."""
    if max(sizes) > 1:
        around = tuple(size // 2 for size in sizes)
        x = layer.add(keras.layers.ZeroPadding2D, x, "pad", padding=around)
    return layer.add(
        keras.layers.AveragePooling2D, x, "mean", pool_size=sizes, strides=1
    )
