"""Inputs to try a network on: noise that every layer can read."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.layer_type import LayerType, layer_type
from keras_hypersphere.tools.caffe.network.graph import Graph, Node

SEED = 0
# A batch is cut so that an input has no more values.
MOST_VALUES = 2**18
# Of an image that a detector is told the size of, in pixels.
SIDE = 224.0
Shapes = Mapping[str, Sequence[int]]


def make_inputs(graph: Graph, shapes: Shapes) -> dict[str, np.ndarray]:
    """Seeded float32 noise for each input, in Caffe's order of axes.

    Labels and indices are whole numbers in range, of all classes where the
    network tells how many there are. Weights of samples are 0, 1 or 2,
    boxes lie in the image, and images are told to have sides of 224 pixels.

    Args:
        graph: Says what the inputs are for.
        shapes: By blob name, the batch included, in Caffe's order.
    """
    random = np.random.default_rng(SEED)
    share = max(np.prod(shape[1:]) for shape in shapes.values())
    batch = max(int(MOST_VALUES // share), 1)
    made = {}
    for name, full in shapes.items():
        shape = (min(full[0], batch), *full[1:])
        readers = find_readers(graph, name)
        limits = [
            limit
            for node, place in readers
            if (limit := count(graph, shapes, node, place))
        ]
        boxes = [
            node
            for node, place in readers
            if node.type in ("ROIPooling", "PSROIPooling") and place == 1
        ]
        sizes = [
            node
            for node, place in readers
            if node.type == "Proposal" and place == 2
        ]
        values: np.ndarray
        if limits:
            values = random.integers(0, min(limits), shape)
        elif boxes:
            values = random_boxes(random, shape, boxes[0], batch)
        elif sizes:
            values = np.full(shape, SIDE)
            values[:, 2:] = 1
        else:
            values = random.standard_normal(shape)
        made[name] = values.astype(np.float32)
    return made


def find_readers(graph: Graph, name: str) -> list[tuple[Node, int]]:
    """The layers that read an input, or parts of it, and at which bottom."""
    numbers = {
        number
        for node in graph.nodes
        if not node.bottoms
        for number in node.tops
        if graph.values[number] == name
    }
    for node in graph.nodes:
        if layer_type(node.type).passes_labels and numbers.intersection(
            node.bottoms
        ):
            numbers.update(node.tops)
    return [
        (node, place)
        for node in graph.nodes
        for place, number in enumerate(node.bottoms)
        if number in numbers
    ]


def count(graph: Graph, shapes: Shapes, node: Node, place: int) -> int:
    """Below what the whole numbers of a bottom are; 0 if it has others."""
    if node.type == "Embed":
        return node.parameter.embed_param.input_dim
    if node.type == "BatchReindex" and place == 1:
        return 1
    kind = layer_type(node.type)
    reader = kind.labels
    if reader is None:
        return 0
    if place == reader.place + 1 and reader.weighted:
        return 3
    if place != reader.place:
        return 0
    if reader.binary:
        return 2
    if not reader.whole:
        return 0
    if counts_units(kind):
        return made_by(graph, shapes, node) or 2
    settings = kind.settings(node.parameter)
    # Of any number of classes two are there.
    if getattr(settings, "axis", 1) != 1:
        return 2
    return channels(graph, shapes, node.bottoms[0]) or 2


def channels(graph: Graph, shapes: Shapes, number: int, axis: int = 1) -> int:
    """The length of a value's axis, if it is easily told, or 0."""
    (maker,) = (node for node in graph.nodes if number in node.tops)
    if maker.bottoms and number != maker.tops[0]:
        return 0
    kind = layer_type(maker.type)
    if kind.keeps_channels:
        return channels(graph, shapes, maker.bottoms[0], axis)
    if counts_units(kind) and axis == 1:
        return made_by(graph, shapes, maker)
    shape: Sequence[int] = ()
    if maker.type == "Parameter":
        shape = maker.parameter.parameter_param.shape.dim
    elif not maker.bottoms:
        shape = shapes.get(graph.values[number], ())
    return shape[axis] if axis < len(shape) else 0


def counts_units(kind: LayerType) -> bool:
    """Whether a type says how long its top's second axis is."""
    field = LayerParameter.DESCRIPTOR.fields_by_name.get(kind.message)
    settings = field and field.message_type
    return settings is not None and "num_output" in settings.fields_by_name


def made_by(graph: Graph, shapes: Shapes, node: Node) -> int:
    """How many classes a layer tells apart: its own, or its second bottom's."""
    settings = layer_type(node.type).settings(node.parameter)
    if getattr(settings, "axis", 1) != 1:
        return 0
    if settings.num_output or len(node.bottoms) < 2:
        return settings.num_output
    return channels(graph, shapes, node.bottoms[1], 0)


def random_boxes(
    random: np.random.Generator, shape: Sequence[int], node: Node, batch: int
) -> np.ndarray:
    """Rows of image, left, top, right, bottom, in pixels."""
    settings = layer_type(node.type).settings(node.parameter)
    side = 8 / (settings.spatial_scale or 1)
    boxes = np.sort(random.uniform(0, side, (shape[0], 2, 2)), 1)
    images = np.zeros((shape[0], 1))
    return np.concatenate([images, boxes.reshape(-1, 4)], 1).reshape(shape)
