"""How many multiplications and additions a layer takes, as papers count.

Only layers that multiply by weights are counted: convolutions and products.
One multiplication with its addition counts once; biases are free.
"""

import math
from collections.abc import Sequence

from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.layer_type import layer_type

Shape = Sequence[int | None]


def multiply_adds(
    layer: LayerParameter, bottoms: Sequence[Shape], tops: Sequence[Shape]
) -> int | None:
    """Of one sample, or None if a size is free.

    Args:
        layer: As the prototxt has it.
        bottoms: Shapes without the batch, in Caffe's order.
        tops: The same.
    """
    count = layer_type(layer.type).multiply_adds
    if count is None or not bottoms or not tops:
        return 0
    if None in (*bottoms[0], *tops[0]):
        return None
    return count(layer, bottoms, tops)


def kernel_size(layer: LayerParameter) -> int:
    """Cells of a kernel."""
    settings = layer.convolution_param
    sizes = list(settings.kernel_size)
    if not sizes:
        return settings.kernel_h * settings.kernel_w
    return math.prod(sizes if len(sizes) > 1 else sizes * 2)


def convolution_cost(
    layer: LayerParameter, bottoms: Sequence[Shape], tops: Sequence[Shape]
) -> int:
    """For each value of the tops, a kernel over a group's channels."""
    channels = bottoms[0][0] // layer.convolution_param.group
    if layer.type != "Convolution":
        channels = 1
    return channels * kernel_size(layer) * sum(map(math.prod, tops))


def deconvolution_cost(
    layer: LayerParameter, bottoms: Sequence[Shape], tops: Sequence[Shape]
) -> int:
    """For each value of the bottoms, a kernel for each output of a group."""
    filters = tops[0][0] // layer.convolution_param.group
    return filters * kernel_size(layer) * sum(map(math.prod, bottoms))


def product_cost(
    layer: LayerParameter, bottoms: Sequence[Shape], tops: Sequence[Shape]
) -> int:
    """For each value of the top, a row of the weights."""
    settings = layer_type(layer.type).settings(layer)
    axis = settings.axis
    # Without the batch an axis from the front is one less.
    rest = bottoms[0][axis - 1 if axis > 0 else axis :]
    return math.prod(rest) * math.prod(tops[0])
