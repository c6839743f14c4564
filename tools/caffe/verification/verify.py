"""Compares a converted model with other readers of the same files."""

import functools
import warnings
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.deep import follow
from keras_hypersphere.tools.caffe.network.graph import Graph
from keras_hypersphere.tools.caffe.record import name_map
from keras_hypersphere.tools.caffe.verification.feed import (
    find_feed,
    input_sizes,
    to_arrays,
)
from keras_hypersphere.tools.caffe.verification.oracles import Oracles
from keras_hypersphere.tools.caffe.verification.probe import (
    Record,
    Values,
    activations,
)
from keras_hypersphere.tools.caffe.verification.report import Verification
from keras_hypersphere.tools.caffe.verification.report_rows import (
    by_number,
    find_left_out,
    layer_rows,
    output_rows,
)
from keras_hypersphere.tools.caffe.verification.weight_check import (
    changed_weights,
)

if TYPE_CHECKING:
    from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork


def verify_model(
    network: "CaffeNetwork",
    model: keras.Model | str | PathLike,
    inputs: object = None,
) -> Verification:
    """What `CaffeNetwork.verify` does.

    Raises:
        TypeError: If `model` is neither a model nor a path.
        ValueError: If the model has other inputs or outputs than the network,
            or `inputs` do not fit it.
    """
    record = None
    if isinstance(model, (str, PathLike)):
        record = name_map(model)
        load = functools.partial(keras.models.load_model, model)
        model = follow(load, str(model))
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", 0):
        raise TypeError(
            "`model` must be a converted model, or the path of its `.keras` "
            f"file. Received: {model!r}"
        )
    # Keras drops the record when it loads a model.
    record = record or name_map(model)
    if record is not None:
        network = as_converted(network, model, record)
    faults = wrong_weights(network, model)
    record = record or network.made.record
    check_ends(model, record, network.file)
    graph = network.graph
    feed = find_feed(graph, inputs)
    mine, returned = activations(model, record, to_arrays(model, feed))
    made = by_number(graph, mine)
    read = images(graph, feed, made)
    oracles = Oracles(network, read, made)
    left_out = find_left_out(graph, network.made)
    rows = [
        *layer_rows(graph, made, oracles, faults, left_out),
        *output_rows(graph, made, returned, oracles),
    ]
    blobs = [graph.values[number] for number in sorted(left_out - made.keys())]
    return Verification(tuple(rows), tuple(oracles.notes), tuple(blobs))


def as_converted(
    network: "CaffeNetwork", model: keras.Model, record: Record
) -> "CaffeNetwork":
    """The network with the inputs and outputs that a model has of it.

    What `to_keras` was asked for is in the record, and need not be given
    again.
    """
    sizes = {
        name: tuple(tensor.shape[1:])
        for name, tensor in zip(record["inputs"], model.inputs, strict=False)
    }
    graph = network.graph
    whole = [graph.values[number] for number in graph.outputs]
    same = whole == record["outputs"] and list(graph.inputs) == list(sizes)
    if network.outputs is None and not same:
        network = network.changed(outputs=record["outputs"])
    if sizes != input_sizes(network.graph):
        network = network.changed(input_shapes=sizes)
    return network


def wrong_weights(
    network: "CaffeNetwork", model: keras.Model
) -> dict[str, str]:
    """What is wrong with weights, by layer: `changed_weights`.

    A converted network is only remembered by its checksums; it is made again
    where they are not the model's, to tell by how much.
    """
    fresh = None
    with warnings.catch_warnings():
        # The conversion of the model has said it.
        warnings.simplefilter("ignore")
        if network.made is None:
            fresh = network.to_keras()
        if network.made.has_weights_of(model):
            return {}
        fresh = fresh or network.to_keras()
    return changed_weights(model, fresh, network.made.record)


def check_ends(model: keras.Model, record: Record, file: str) -> None:
    """Refuses a model with other inputs or outputs than its record has."""
    for kind in ("inputs", "outputs"):
        if len(getattr(model, kind)) != len(record[kind]):
            raise ValueError(
                f"`model` must be what {file} was converted to, with the "
                f"{kind} {list(record[kind])}. Received: a model with "
                f"{len(getattr(model, kind))} {kind}"
            )


def images(
    graph: Graph, feed: Values, made: Mapping[int, np.ndarray]
) -> Values:
    """What the network reads: with preprocessing in front, what that makes."""
    return {
        top: made.get(number, feed[top])
        for node in graph.nodes
        if node.type == "Input"
        for top, number in zip(node.parameter.top, node.tops, strict=True)
    }
