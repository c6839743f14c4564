"""Deconvolution: what a convolution does backward."""

import math
from typing import Any

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    MOST_VALUES,
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.cost import deconvolution_cost
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.convolution import (
    CONVOLUTIONS,
    DEPTHWISE,
    REFUSED,
    Kernel,
    change_edges,
    channels_first,
    channels_last,
    expect_pairs,
    pad,
    spatial,
)
from keras_hypersphere.tools.caffe.reference.arrays import Geometry, product
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

TRANSPOSED = {
    1: keras.layers.Conv1DTranspose,
    2: keras.layers.Conv2DTranspose,
    3: keras.layers.Conv3DTranspose,
}
CROPPINGS = {
    1: keras.layers.Cropping1D,
    2: keras.layers.Cropping2D,
    3: keras.layers.Cropping3D,
}
# More zeros than this are not written out between groups.
MOST_ZEROS = 2**24


def deconvolution_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """Each value of the bottom adds its kernel to the top."""
    tops = []
    for x in bottoms:
        g = Geometry(layer, x, turned=True)
        counts = tuple(
            (n - 1) * s + d * (k - 1) + 1
            for n, d, k, s in zip(
                g.sizes, g.dilation, g.kernel, g.stride, strict=True
            )
        )
        made = np.zeros(
            (*g.x.shape[:2], g.filters // g.groups, *counts), np.float64
        )
        for weights, places in g.cells(g.sizes):
            made[(..., *places)] += product(np.swapaxes(weights, 1, 2), g.x)
        inner: tuple[Any, ...] = tuple(
            slice(p, n - p) for p, n in zip(g.pad, counts, strict=True)
        )
        tops.append(g.finish(made[(..., *inner)]))
    return tops


@register_layer(
    "Deconvolution",
    reference=deconvolution_reference,
    message="convolution_param",
    multiply_adds=deconvolution_cost,
    refused=REFUSED,
)
def deconvolution(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """`ConvTranspose` and `Cropping`; `Conv` over zeros for many groups."""
    expect_pairs(layer, inputs)
    kernel = Kernel(layer, inputs[0])
    for axis, size in enumerate(spatial(layer, inputs[0])):
        whole = kernel.stride[axis] * (size - 1) + kernel.extent[axis]
        if whole <= 2 * kernel.pad[axis]:
            layer.fail("the padding is larger than what it would crop")
        if whole * kernel.filters > MOST_VALUES:
            layer.fail("makes more values than Caffe can count")
    weights, *bias = kernel.blobs(
        layer, (kernel.channels, kernel.filters // kernel.groups)
    )
    run = transposed if is_cheap(kernel) else over_zeros
    tops = []
    for index, x in enumerate(inputs):
        number = str(index or "")
        x = channels_last(layer, x, f"nhwc{number}")
        x = run(layer, x, kernel, [weights, *bias], number)
        tops.append(channels_first(layer, x, f"nchw{number}"))
    return tops


def is_cheap(kernel: Kernel) -> bool:
    """Whether Keras' own layer does it, zeros between groups written out.

    It has no groups, and on TensorFlow no dilation. Writing zeros out takes
    `groups` times the work; the other way takes a stride's worth of zeros.
    """
    dense = math.prod(kernel.size) * kernel.channels * kernel.filters
    return max(kernel.dilation) == 1 and (
        kernel.groups == 1
        or (kernel.groups <= math.prod(kernel.stride) and dense <= MOST_ZEROS)
    )


def transposed(
    layer: Emission,
    x: Tensor,
    kernel: Kernel,
    weights: list[np.ndarray],
    number: str,
) -> Tensor:
    """Keras' layer, without the padding, which Caffe crops on both sides."""
    if number:
        x = layer.call_again(x, f"top{number}")
    else:
        blob, *bias = weights
        # In, out, height, width in Caffe; height, width, out, in in Keras.
        inside = kernel.channels // kernel.groups
        outside = kernel.filters // kernel.groups
        cells = tuple(range(2, 2 + kernel.axes))
        dense = np.zeros(
            (*kernel.size, kernel.filters, kernel.channels), np.float32
        )
        for group in range(kernel.groups):
            rows = slice(group * inside, (group + 1) * inside)
            columns = slice(group * outside, (group + 1) * outside)
            dense[..., columns, rows] = blob[rows].transpose(*cells, 1, 0)
        x = layer.add(
            TRANSPOSED[kernel.axes],
            x,
            weights=[dense, *bias],
            filters=kernel.filters,
            kernel_size=kernel.size,
            strides=kernel.stride,
            use_bias=kernel.bias,
        )
    # Keras goes on to a whole stride behind the last cell.
    crops = [
        (margin, margin + max(stride - size, 0))
        for margin, stride, size in zip(
            kernel.pad, kernel.stride, kernel.size, strict=True
        )
    ]
    return crop(layer, x, crops, f"crop{number}")


def over_zeros(
    layer: Emission,
    x: Tensor,
    kernel: Kernel,
    weights: list[np.ndarray],
    number: str,
) -> Tensor:
    """A convolution, turned around, over cells with zeros between them."""
    x = strew(layer, x, kernel.stride, number)
    edges = []
    for extent, margin, stride in zip(
        kernel.extent, kernel.pad, kernel.stride, strict=True
    ):
        # There are zeros behind the last cell too.
        edge = extent - 1 - margin
        edges.append((edge, edge - (stride - 1)))
    pads = [(max(a, 0), max(b, 0)) for a, b in edges]
    crops = [(max(-a, 0), max(-b, 0)) for a, b in edges]
    x = pad(layer, x, pads, f"pad{number}")
    x = crop(layer, x, crops, f"crop{number}")
    if number:
        return layer.call_again(x, f"top{number}")
    blob, *bias = weights
    cells = tuple(range(2, 2 + kernel.axes))
    blob = np.flip(blob, cells)
    outside = kernel.filters // kernel.groups
    settings = {
        "kernel_size": kernel.size,
        "dilation_rate": kernel.dilation,
        "use_bias": kernel.bias,
    }
    if kernel.depthwise:
        return layer.add(
            DEPTHWISE[kernel.axes],
            x,
            weights=[blob.transpose(*cells, 0, 1), *bias],
            depth_multiplier=outside,
            **settings,
        )
    # Keras has the outputs of the groups side by side.
    blob = blob.reshape(kernel.groups, -1, outside, *kernel.size)
    blob = blob.transpose(*(cell + 1 for cell in cells), 1, 0, 2)
    return layer.add(
        CONVOLUTIONS[kernel.axes],
        x,
        weights=[blob.reshape(*blob.shape[:-2], kernel.filters), *bias],
        filters=kernel.filters,
        groups=kernel.groups,
        **settings,
    )


def strew(
    layer: Emission, x: Tensor, stride: tuple[int, ...], number: str
) -> Tensor:
    """Zeros behind each cell, so that cells are a stride apart."""
    if max(stride) == 1:
        return x
    *sizes, channels = x.shape[1:]
    single, widths = [], [(0, 0)]
    for size, step in zip(sizes, stride, strict=True):
        single += [size, 1]
        widths += [(0, 0), (0, step - 1)]
    x = layer.add(
        keras.layers.Reshape,
        x,
        f"cells{number}",
        target_shape=(*single, channels),
    )
    x = layer.compute(
        keras.ops.pad, x, [*widths, (0, 0)], part=f"zeros{number}"
    )
    wide = [size * step for size, step in zip(sizes, stride, strict=True)]
    return layer.add(
        keras.layers.Reshape,
        x,
        f"strewn{number}",
        target_shape=(*wide, channels),
    )


def crop(
    layer: Emission, x: Tensor, edges: list[tuple[int, int]], part: str
) -> Tensor:
    """Leaves out cells at both ends of each axis."""
    return change_edges(layer, x, edges, part, CROPPINGS, "cropping")
