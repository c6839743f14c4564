"""Whether images have the channels that a network reads."""

from collections.abc import Callable, Mapping, Sequence

from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.layer_type import layer_type
from keras_hypersphere.tools.caffe.network.node import Node
from keras_hypersphere.tools.caffe.network.preprocessing import Preprocessing


def check_against_weights(
    nodes: Sequence[Node],
    shapes: Mapping[str, Sequence[int]],
    blob_shape: Callable[[str], tuple[int, ...] | None],
) -> None:
    """Refuses shapes of inputs that the first convolution's weights exclude.

    Args:
        nodes: Of a network.
        shapes: Those that were given, by blob name.
        blob_shape: Tells the shape of a layer's first blob, or None.

    Raises:
        ValueError: As `check_channels`.
    """
    for name, shape in shapes.items():
        for node in first_readers(nodes, name):
            kernel = blob_shape(node.name)
            if node.type == "Convolution" and kernel and len(kernel) == 4:
                group = node.parameter.convolution_param.group
                check_channels(node.parameter, name, shape, kernel[1] * group)


def first_readers(nodes: Sequence[Node], name: str) -> list[Node]:
    """Who reads the channels of an input."""
    numbers: set[int] = set()
    found = []
    for node in nodes:
        if node.type == "Input":
            tops = zip(node.parameter.top, node.tops, strict=True)
            numbers.update(number for top, number in tops if top == name)
        elif numbers.intersection(node.bottoms[:1]):
            if layer_type(node.type).keeps_channels:
                numbers.update(node.tops)
            else:
                found.append(node)
    return found


def declared(
    layer: LayerParameter, known: Sequence[Sequence[int]], index: int
) -> int | None:
    """How many channels the prototxt gives an image, if it says."""
    if known:
        return known[index][1] if len(known[index]) == 4 else None
    return None if index else Preprocessing.of(layer).channels


def check_channels(
    layer: LayerParameter, top: str, shape: Sequence[int], channels: int | None
) -> None:
    """Refuses an image of other channels than the network reads.

    Args:
        layer: Who says how many there are.
        top: The input.
        shape: What was given, channels-last.
        channels: How many there are, or None if nobody knows.

    Raises:
        ValueError: With the shape that was meant, where that is clear.
    """
    if channels is None or len(shape) != 3 or shape[2] == channels:
        return
    height, width, last = shape
    turned = (
        (width, last, channels)
        if height == channels
        else (height, width, channels)
    )
    words = "x".join(map(str, turned))
    raise ValueError(
        f"`input_shapes` gives {top!r} {last} channels, and layer "
        f"{layer.name!r} ({layer.type}) has {channels}; a shape is height, "
        f'width, channels: write input_shapes={{"{top}": {turned}}} (on the '
        f"command line --input-shape {top}={words}). "
        f"Received: {top!r}: {tuple(shape)!r}"
    )
