"""A shape for images of any size, of which the rest of a network can tell.

It is one that a user may try first, not one that the network was made for.
"""

from collections.abc import Mapping, Sequence

from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.network.preprocessing import Preprocessing

# Height, width, channels, where nothing is known.
EXAMPLE = (112, 96, 3)
# Halved five times without a rest; and SegNet's, with `pad_out_h`.
HALVED = (128, 96)
SEGNETS = (360, 480)


def example(
    layers: Sequence[LayerParameter], layer: LayerParameter, index: int
) -> list[int]:
    """A shape that a top may have, channels first, where its size varies.

    Args:
        layers: Of a network.
        layer: A data layer of it.
        index: Number of its top.
    """
    if index:
        return [EXAMPLE[2], *EXAMPLE[:2]]
    steps = Preprocessing.of(layer)
    sides = next(iter(steps.sizes), None) or unpooled_sides(layers)
    channels = steps.channels or sliced_channels(layers, layer.top[index])
    return [channels, *sides]


def sliced_channels(layers: Sequence[LayerParameter], top: str) -> int:
    """Channels of a blob; of one that is sliced, so that parts are equal."""
    for layer in layers:
        if layer.type == "Slice" and top in layer.bottom:
            points = layer.slice_param.slice_point
            part = points[0] if points else EXAMPLE[2]
            return part * len(layer.top)
    return EXAMPLE[2]


def unpooled_sides(layers: Sequence[LayerParameter]) -> tuple[int, int]:
    """Height and width with which SegNet's Upsample undoes each Pooling."""
    makers = {
        top: layer
        for layer in layers
        for top in layer.top
        if top not in layer.bottom
    }
    ups = [x for x in layers if x.type == "Upsample" and len(x.bottom) == 2]
    sides = []
    for layer in ups:
        settings = layer.upsample_param
        pooling = makers.get(layer.bottom[1])
        if pooling and settings.upsample_h and settings.upsample_w:
            step = total_stride(makers, pooling.bottom[0])
            sides.append(
                (settings.upsample_h * step, settings.upsample_w * step)
            )
    if sides:
        # Sizes were rounded up.
        return min(h for h, _ in sides), min(w for _, w in sides)
    if any(x.upsample_param.pad_out_h for x in ups):
        return SEGNETS
    return HALVED if ups else EXAMPLE[:2]


def total_stride(makers: Mapping[str, LayerParameter], blob: str) -> int:
    """Cells of the input for one cell of a blob."""
    stride, seen = 1, set[str]()
    while blob in makers and makers[blob].bottom and blob not in seen:
        seen.add(blob)
        layer = makers[blob]
        if layer.type == "Pooling":
            stride *= layer.pooling_param.stride
        elif layer.type == "Convolution":
            stride *= next(iter(layer.convolution_param.stride), 1)
        blob = layer.bottom[0]
    return stride
