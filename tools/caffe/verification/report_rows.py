"""The rows of a report: each top of each layer, and each output."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from keras_hypersphere.tools.caffe.network.graph import Graph
from keras_hypersphere.tools.caffe.verification.conversion_checksums import Made
from keras_hypersphere.tools.caffe.verification.oracles import Oracles
from keras_hypersphere.tools.caffe.verification.probe import (
    Activations,
    keys_of,
    keys_of_record,
)
from keras_hypersphere.tools.caffe.verification.report import Row


def by_number(graph: Graph, mine: Activations) -> dict[int, np.ndarray]:
    """A model's activations by numbers of values; those that it has."""
    return {
        number: values
        for node, key in zip(graph.nodes, keys_of(graph.nodes), strict=True)
        for number, values in zip(node.tops, mine.get(key, ()), strict=False)
        if values is not None
    }


def layer_rows(
    graph: Graph,
    mine: Mapping[int, np.ndarray],
    oracles: Oracles,
    faults: Mapping[str, str],
    left_out: set[int],
) -> Iterator[Row]:
    """The tops of each layer, as a model computes them and as they should be.

    Args:
        graph, mine, oracles: The network, a model's activations, the judges.
        faults: What is wrong with weights, by the name of the layer.
        left_out: What a model of this network does not have.
    """
    for node in graph.nodes:
        if node.type == "Input":
            continue
        for number in node.tops:
            name = (node.name, node.type, graph.values[number])
            if number in mine:
                row = oracles.judge(name, number, mine[number])
            elif number in left_out:
                continue
            else:
                row = Row(*name, (), oracle="model", reason="has no layer")
            fault = faults.get(node.name)
            if fault and row.status == "ok":
                row = replace(row, relative=None, reason=fault)
            yield row


def output_rows(
    graph: Graph,
    mine: Mapping[int, np.ndarray],
    returned: Sequence[np.ndarray],
    oracles: Oracles,
) -> Iterator[Row]:
    """The outputs that are not the blobs they should be."""
    for number, values in zip(graph.outputs, returned, strict=True):
        blob = mine.get(number)
        if blob is None or not np.array_equal(values, blob, equal_nan=True):
            name = ("(output)", "", graph.values[number])
            yield oracles.judge(name, number, values)


def find_left_out(graph: Graph, made: Made) -> set[int]:
    """The values that the converted network does not have.

    Keras leaves out what no output is computed with: parts of a Slice that
    nothing reads, a blob that only tells a Crop a size. What reads such a
    blob is held against the reference all the same.

    Args:
        graph: The network.
        made: What it was converted to.
    """
    layers = dict(
        zip(keys_of_record(made.record), made.record["layers"], strict=True)
    )
    return {
        number
        for node, key in zip(graph.nodes, keys_of(graph.nodes), strict=True)
        for number, name in zip(
            node.tops, layers[key]["tops"].values(), strict=True
        )
        if name not in made.operations
    }
