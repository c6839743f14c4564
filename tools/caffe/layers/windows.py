"""Layers that lay windows over a blob, other than pooling itself."""

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.convolution import pair
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.layers.pooling import (
    MAX,
    Window,
    average,
    maximum,
    refuse_huge,
    refuse_stochastic,
    unfold,
)
from keras_hypersphere.tools.caffe.reference.arrays import (
    AVE,
    STOCHASTIC,
    pool,
    spatial,
)
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

# Twice as many windows on each level: Caffe's int would not hold more.
MOST_LEVELS = 15


def spp_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Pools into 1, 4, 16 ... cells, and joins them."""
    (x,) = bottoms
    settings = layer.parameter.spp_param
    if settings.pool == STOCHASTIC:
        layer.fail("stochastic pooling has no CPU version in Caffe")
    parts = []
    for level in range(settings.pyramid_height):
        bins = 2**level
        kernel = tuple(-(-size // bins) for size in x.shape[-2:])
        pad = tuple(
            (k * bins - size + 1) // 2
            for k, size in zip(kernel, x.shape[-2:], strict=True)
        )
        parts.append(pool(x, kernel, pad, kernel, settings.pool == AVE))
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([part.reshape(len(x), -1) for part in parts], 1)


@register_layer("SPP", reference=spp_reference)
def spp(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Pooling into 1, 2, 4 … windows each way, flattened and joined."""
    x = layer.expect(inputs, 1, rank=4)
    settings = layer.parameter.spp_param
    refuse_stochastic(layer, settings)
    if not 1 <= settings.pyramid_height <= MOST_LEVELS:
        layer.fail(f"`pyramid_height` must be from 1 to {MOST_LEVELS}")
    pool = maximum if settings.pool == MAX else average
    if settings.pyramid_height == 1:
        return pool(layer, x, level_windows(layer, x, 0))
    rows = []
    for level in range(settings.pyramid_height):
        windows = level_windows(layer, x, level)
        pooled = pool(layer, x, windows, f"level{level}")
        rows.append(flatten(layer, pooled, f"flatten{level}"))
    return layer.add(keras.layers.Concatenate, rows, axis=1)


def level_windows(layer: Emission, x: Tensor, level: int) -> list[Window]:
    """The windows of one level; Caffe pads the same on both sides."""
    windows = []
    for size in x.shape[1:3]:
        kernel = -(-size // 2**level)
        pad = (kernel * 2**level - size + 1) // 2
        if pad >= kernel:
            layer.fail(
                f"level {level} has {2**level} windows for {size} cells, with "
                f"a padding of {pad} for a kernel of {kernel}; Caffe wants "
                "less padding"
            )
        windows.append(Window(size, kernel, pad, kernel, False))
    return windows


def im2col_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The cells under each place of a kernel, as channels."""
    (x,) = bottoms
    kernel, pad, stride, dilation = (
        spatial(layer, name, 2, default)
        for name, default in (
            ("kernel_size", None),
            ("pad", 0),
            ("stride", 1),
            ("dilation", 1),
        )
    )
    x = np.pad(x, [(0, 0)] * 2 + [(p, p) for p in pad])
    rows, columns = (
        (x.shape[2 + i] - (dilation[i] * (kernel[i] - 1) + 1)) // stride[i] + 1
        for i in (0, 1)
    )
    made = np.empty((*x.shape[:2], *kernel, rows, columns))
    for i, j in np.ndindex(*kernel):
        top, left = i * dilation[0], j * dilation[1]
        made[:, :, i, j] = x[
            :,
            :,
            top : top + (rows - 1) * stride[0] + 1 : stride[0],
            left : left + (columns - 1) * stride[1] + 1 : stride[1],
        ]
    return made.reshape(len(x), -1, rows, columns)


@register_layer("Im2col", reference=im2col_reference)
def im2col(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.take`: the cells under each place of a kernel, as channels."""
    x = layer.expect(inputs, 1, rank=4)
    settings = layer.parameter.convolution_param
    if layer.axis(settings.axis, x) != 3:
        layer.unsupported(f"`axis: {settings.axis}` is not supported; 1 is")
    kernel = pair(layer, settings, "kernel_size", None)
    pad = pair(layer, settings, "pad", 0)
    stride = pair(layer, settings, "stride", 1)
    dilation = (*settings.dilation, *settings.dilation, 1, 1)[:2]
    if min(*kernel, *stride, *dilation) < 1:
        layer.fail("a size, stride or dilation is 0; 1 is the least")
    lines = []
    for axis in (0, 1):
        extent = dilation[axis] * (kernel[axis] - 1)
        last = x.shape[1 + axis] + 2 * pad[axis] - 1 - extent
        if last < 0:
            layer.fail("the kernel is larger than the padded bottom")
        count = last // stride[axis] + 1
        refuse_huge(layer, last, count * kernel[axis])
        starts = np.arange(count) * stride[axis]
        lines.append(starts[:, None] + np.arange(kernel[axis]) * dilation[axis])
    if any(pad):
        x = layer.add(
            keras.layers.ZeroPadding2D, x, "pad", padding=tuple(map(int, pad))
        )
    channels = x.shape[3]
    x = unfold(layer, x, *lines)
    # Caffe's channels: all cells of the first, all of the second, …
    x = layer.add(keras.layers.Permute, x, "channels", dims=(1, 2, 4, 3))
    return layer.add(
        keras.layers.Reshape,
        x,
        target_shape=(*x.shape[1:3], channels * kernel[0] * kernel[1]),
    )
