"""Inputs to try a network on: noise that every layer can read."""

from collections.abc import Sequence

import numpy as np

from keras_hypersphere.tools.caffe.graph import Graph, Node

SEED = 0
# A batch is cut so that an input has no more values.
MOST_VALUES = 2**18
# Layers whose second bottom is a label, and where the number of classes is.
CLASSES = {
    "CenterLoss": "center_loss_param",
    "LargeMarginInnerProduct": "largemargin_inner_product_param",
    "MarginInnerProduct": "margin_inner_product_param",
}


def make_inputs(
    graph: Graph, shapes: dict[str, Sequence[int]]
) -> dict[str, np.ndarray]:
    """Seeded float32 noise for each input, in Caffe's order of axes.

    Labels and indices are whole numbers in range, and boxes lie in the image.

    Args:
        graph: Says what the inputs are for.
        shapes: By blob name, the batch included, in Caffe's order.
    """
    random = np.random.default_rng(SEED)
    share = max(np.prod(shape[1:]) for shape in shapes.values())
    batch = max(int(MOST_VALUES // share), 1)
    made = {}
    for name, shape in shapes.items():
        shape = (min(shape[0], batch), *shape[1:])
        readers = find_readers(graph, name)
        limits = [limit for reader in readers if (limit := count(*reader))]
        boxes = [
            node
            for node, place in readers
            if node.type == "ROIPooling" and place == 1
        ]
        if limits:
            values = random.integers(0, min(limits), shape)
        elif boxes:
            values = random_boxes(random, shape, boxes[0], batch)
        else:
            values = random.standard_normal(shape)
        made[name] = values.astype(np.float32)
    return made


def find_readers(graph: Graph, name: str) -> list[tuple[Node, int]]:
    """The layers that read an input, and at which bottom."""
    numbers = {
        number
        for node in graph.nodes
        if not node.bottoms
        for number in node.tops
        if graph.values[number] == name
    }
    return [
        (node, place)
        for node in graph.nodes
        for place, number in enumerate(node.bottoms)
        if number in numbers
    ]


def count(node: Node, place: int) -> int:
    """How many classes a bottom tells apart; 0 if it is no label."""
    parameter = node.parameter
    if node.type == "Embed":
        return parameter.embed_param.input_dim
    if place != 1:
        return 0
    if node.type == "BatchReindex":
        return 1
    if node.type in CLASSES:
        return getattr(parameter, CLASSES[node.type]).num_output
    is_label = "Loss" in node.type or node.type in (
        "Accuracy",
        "LabelSpecificAdd",
    )
    # Of any number of classes two are there.
    return 2 if is_label and node.type != "EuclideanLoss" else 0


def random_boxes(
    random: np.random.Generator, shape: Sequence[int], node: Node, batch: int
) -> np.ndarray:
    """Rows of image, left, top, right, bottom, in pixels."""
    side = 8 / node.parameter.roi_pooling_param.spatial_scale
    boxes = np.sort(random.uniform(0, side, (shape[0], 2, 2)), 1)
    images = np.zeros((shape[0], 1))
    return np.concatenate([images, boxes.reshape(-1, 4)], 1).reshape(shape)
