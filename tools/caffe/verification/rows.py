"""The rows of a report: each top of each layer, and each output."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from keras_hypersphere.tools.caffe.network.graph import Graph
from keras_hypersphere.tools.caffe.verification.made import Made
from keras_hypersphere.tools.caffe.verification.oracles import Oracles
from keras_hypersphere.tools.caffe.verification.probe import (
    Activations,
    Key,
    key_of,
)
from keras_hypersphere.tools.caffe.verification.report import Row


def layer_rows(
    graph: Graph,
    mine: Activations,
    oracles: Oracles,
    faults: Mapping[str, str],
    unread: set[Key],
) -> Iterator[Row]:
    """The top of each layer, as a model computes it and as it should be.

    Args:
        graph, mine, oracles: The network, a model's activations, the judges.
        faults: What is wrong with weights, by the name of the layer.
        unread: The layers that are left out.
    """
    for node in graph.nodes:
        key = key_of(node)
        if node.type == "Input" or key in unread:
            continue
        for number, values in zip(node.tops, mine[key], strict=True):
            name = (node.name, node.type, graph.values[number])
            if values is None:
                row = Row(*name, (), oracle="model", reason="has no layer")
            else:
                row = oracles.judge(name, number, values)
            fault = faults.get(node.name)
            if fault and row.status == "ok":
                row = replace(row, relative=None, reason=fault)
            yield row


def output_rows(
    graph: Graph,
    mine: Activations,
    returned: Sequence[np.ndarray],
    oracles: Oracles,
) -> Iterator[Row]:
    """The outputs that are not the blobs they should be."""
    last = {
        number: values
        for node in graph.nodes
        for number, values in zip(node.tops, mine[key_of(node)], strict=True)
    }
    for number, values in zip(graph.outputs, returned, strict=True):
        if not np.array_equal(values, last[number], equal_nan=True):
            name = ("(output)", "", graph.values[number])
            yield oracles.judge(name, number, values)


def unread_layers(made: Made) -> set[Key]:
    """Names and tops of the layers that tell only a size, as to a Crop.

    Keras leaves out what no output computes with.
    """
    return {
        (layer["name"], *layer["tops"])
        for layer in made.record["layers"]
        if not made.operations.intersection(layer["tops"].values())
    }
