"""Layers that read data bases and files → plain inputs.

A data layer's shape is that of what it makes: of crops, of resized images, or
of what its message says. Its first top is the data, the second the label.
"""

import os
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.layer_type import layer_type
from keras_hypersphere.tools.caffe.network.example_shape import example
from keras_hypersphere.tools.caffe.network.input_channels import (
    check_channels,
    declared,
)
from keras_hypersphere.tools.caffe.network.preprocessing import Preprocessing
from keras_hypersphere.tools.caffe.network.training_only import read_bottoms

# Of these the tops are data sets of any kind, and none is the label's.
FREE_TOPS = ("HDF5Data", "DummyData")
LABELS = {"label", "labels"}
# Their labels are pictures, and tables or maps of boxes.
LABEL_MAPS = ("DenseImageData", "ImageSegData")
ANNOTATED = (
    "AnnotatedData",
    "DetectionData",
    "EvalData",
    "ImageGtData",
    "LaneData",
)


def as_inputs(
    layers: Sequence[LayerParameter],
    shapes: Mapping[str, Sequence[int]],
    file: str | None = None,
) -> list[LayerParameter]:
    """Puts an Input layer in the place of each data layer, and of a layer
    without bottoms that nobody knows but for a shape that is given.

    Args:
        layers: Those of one state.
        shapes: By blob name, channels-last and without the batch.
        file: Named in errors.

    Raises:
        CaffeFormatError: If a shape is neither in the network nor given.
    """
    return [
        as_input(layers, layer, shapes, file)
        if is_input(layer) and (not opaque(layer) or shapes.keys() & layer.top)
        else layer
        for layer in layers
    ]


def is_input(layer: LayerParameter) -> bool:
    """Whether a layer makes its tops of nothing that the network has."""
    kind = layer_type(layer.type)
    return layer.type == "Input" or kind.is_data or opaque(layer)


def without_idle_tops(
    layers: Sequence[LayerParameter],
    outputs: Sequence[str] | None,
    training: bool = False,
) -> list[LayerParameter]:
    """Leaves out labels that no layer reads, and if outputs are asked for,
    inputs that none of them needs.
    """
    read = {name for x in layers for name in read_bottoms(x, training)}
    read.update(outputs or ())
    kept = []
    first = 1 if outputs is None else 0
    for layer in layers:
        # A DummyData's shapes go by the number of the top.
        reads = layer_type(layer.type).is_data and layer.type != "DummyData"
        reads = reads or opaque(layer)
        if reads or (layer.type == "Input" and outputs is not None):
            idle = {top for top in layer.top[first:] if top not in read}
            layer = without_tops(layer, idle)
        kept.append(layer)
    return kept


def without_tops(layer: LayerParameter, idle: set[str]) -> LayerParameter:
    """An input layer that makes fewer blobs."""
    if not idle:
        return layer
    made = LayerParameter()
    made.CopyFrom(layer)
    kept = [i for i, top in enumerate(layer.top) if top not in idle]
    made.top[:] = [layer.top[index] for index in kept]
    shapes = layer.input_param.shape
    if len(shapes) == len(layer.top):
        del made.input_param.shape[:]
        made.input_param.shape.extend(shapes[index] for index in kept)
    return made


def opaque(layer: LayerParameter) -> bool:
    """Whether a layer reads nothing and nobody knows what it makes."""
    known = layer_type(layer.type).is_data or layer_type(layer.type).convert
    return not (layer.bottom or known)


def check_shapes(
    layers: Sequence[LayerParameter], shapes: Mapping[str, Sequence[int]]
) -> None:
    """Refuses names that are no blobs, and what is no shape.

    Raises:
        ValueError: Of `input_shapes`.
    """
    inputs = {top for layer in layers if is_input(layer) for top in layer.top}
    blobs = {name for layer in layers for name in (*layer.top, *layer.bottom)}
    if not isinstance(shapes, Mapping):
        raise ValueError(
            "`input_shapes` must be a dict of shapes by name, such as "
            f'{{"data": (112, 96, 3)}}. Received: input_shapes={shapes!r}'
        )
    for name, shape in shapes.items():
        sound = isinstance(shape, Sequence) and all(
            isinstance(size, int) and size > 0 for size in shape
        )
        if name not in blobs or isinstance(shape, str) or not sound:
            raise ValueError(
                "`input_shapes` must give inputs of the network "
                f"({', '.join(sorted(inputs)) or 'it has none'}), or other "
                "blobs that become inputs, their shape, channels last and "
                'without the batch, such as {"data": (112, 96, 3)}. '
                f"Received: {name!r}: {shape!r}"
            )


def as_input(
    layers: Sequence[LayerParameter],
    layer: LayerParameter,
    shapes: Mapping[str, Sequence[int]],
    file: str | None,
) -> LayerParameter:
    """The Input layer for one data layer, or for an Input of another shape."""
    known = [list(shape.dim) for shape in layer.input_param.shape]
    if layer.type == "Input":
        if known and not shapes:
            return layer
        if known:
            known = [known[i % len(known)] for i in range(len(layer.top))]
    elif layer.transform_param.mean_file and layer.transform_param.mean_value:
        raise CaffeFormatError(
            "gives `mean_file` and `mean_value`; give one of them",
            file,
            layer.name,
            layer.type,
        )
    made = LayerParameter(name=layer.name, type="Input", top=layer.top)
    for index, top in enumerate(layer.top):
        if top in shapes:
            batch = known[index][0] if known else batch_size(layer)
            dims = [batch, *channels_first(shapes[top])]
            channels = declared(layer, known, index)
            check_channels(layer, top, shapes[top], channels)
        elif known:
            dims = known[index]
        else:
            try:
                dims = find_shape(layer, index, file)
            except MissingShape as gap:
                raise shape_to_pass(layers, layer, index, gap, file) from None
        made.input_param.shape.add().dim.extend(dims)
    return made


def channels_first(shape: Sequence[int]) -> list[int]:
    """Height, width, channels as Caffe orders them."""
    shape = list(shape)
    return shape[2:] + shape[:2] if len(shape) == 3 else shape


def batch_size(layer: LayerParameter) -> int:
    """What the prototxt asks for; 1 where it does not say."""
    settings = layer_type(layer.type).settings(layer)
    return getattr(settings, "batch_size", 0) or 1


def find_shape(
    layer: LayerParameter, index: int, file: str | None
) -> list[int]:
    """The shape of a top, with the batch, as Caffe has it.

    Raises:
        MissingShape: If nobody gives it.
    """
    batch = batch_size(layer)
    if layer.type == "Input":
        raise MissingShape("the layer has no `shape`")
    if not layer_type(layer.type).is_data:
        raise MissingShape("nobody knows this type of layer")
    if layer.type == "DummyData":
        return dummy_shape(layer, index)
    if layer.type == "HDF5Data":
        if layer.top[index] in LABELS:
            return [batch]
        raise MissingShape("the file that it reads has its shape")
    if index and layer.type in LABEL_MAPS:
        return [batch, 1, *image_shape(layer, file)[1:]]
    if index and layer.type in ANNOTATED:
        raise MissingShape("its files have its shape")
    if index:
        return [batch]
    if layer.type == "MemoryData":
        settings = layer.memory_data_param
        return [batch, settings.channels, settings.height, settings.width]
    return [batch, *image_shape(layer, file)]


def image_shape(layer: LayerParameter, file: str | None) -> list[int]:
    """Channels, height and width of the images that a layer makes."""
    steps = Preprocessing.of(layer)
    height, width = steps.crop or steps.resize or (0, 0)
    if not (height and width):
        raise MissingShape("its images may have any size")
    channels = steps.channels
    if channels is None:
        warnings.warn(
            f"{file or 'the network'}: layer {layer.name!r} ({layer.type}) "
            "does not say how many channels its images have; 3 are assumed. "
            f'Else pass input_shapes={{"{layer.top[0]}": ({height}, {width}, '
            "1)}",
            stacklevel=2,
        )
        channels = 3
    return [channels, height, width]


def dummy_shape(layer: LayerParameter, index: int) -> list[int]:
    """One shape, or one for each top; or four old fields of each."""
    settings = layer.dummy_data_param
    if settings.shape:
        return list(settings.shape[index % len(settings.shape)].dim)
    old = [settings.num, settings.channels, settings.height, settings.width]
    if not all(old):
        raise MissingShape("it has no `shape`")
    return [sizes[index % len(sizes)] for sizes in old]


class MissingShape(Exception):
    """A shape that neither the prototxt nor the user gives, and why."""


def shape_to_pass(
    layers: Sequence[LayerParameter],
    layer: LayerParameter,
    index: int,
    reason: MissingShape,
    file: str | None,
) -> CaffeFormatError:
    """The error that says what to pass."""
    top = layer.top[index]
    channels, *sides = example(layers, layer, index)
    shape = (*sides, channels)
    words = f"--input-shape {top}={'x'.join(map(str, shape))}"
    return CaffeFormatError(
        f"the prototxt does not say what shape the blob {top!r} has: "
        f"{reason}; pass the shape, height, width and channels, such as "
        f'input_shapes={{"{top}": {shape}}} (on the command line {words})',
        file,
        layer.name,
        layer.type,
        [words],
    )


def preprocessing_of(
    layers: Iterable[LayerParameter],
    inputs: Collection[str],
    file: str | None = None,
) -> dict[str, Preprocessing]:
    """What data layers do to their images, by the name of the input."""
    folder = os.path.dirname(file) if file else ""
    return {
        layer.top[0]: Preprocessing.of(layer, folder)
        for layer in layers
        if layer.top
        and layer.top[0] in inputs
        and (
            (layer_type(layer.type).is_data and layer.type not in FREE_TOPS)
            or (opaque(layer) and layer.HasField("transform_param"))
        )
    }
