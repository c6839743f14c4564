"""Compares a converted model with another reader of the same files."""

import os
from collections.abc import Sequence
from os import PathLike

import keras
import numpy as np

from keras_hypersphere.caffe_format.reader import read_prototxt
from keras_hypersphere.tools.caffe.convert import name_map, to_keras
from keras_hypersphere.tools.caffe.graph import Graph, build_graph
from keras_hypersphere.tools.caffe.opencv import (
    OracleUnavailable,
    doubtful,
    run_opencv,
)
from keras_hypersphere.tools.caffe.report import Row, Verification, compare
from keras_hypersphere.tools.caffe.rules import make_state

SEED = 0


def verify(
    model: keras.Model,
    prototxt: str | PathLike,
    caffemodel: str | PathLike | None,
    inputs: object = None,
    outputs: Sequence[str] | None = None,
    phase: str = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
) -> Verification:
    """Compares every blob of a model with OpenCV 4's Caffe importer.

    Args:
        model: What `to_keras` returned, or what `keras.models.load_model`
            made of it after it was saved. Its own activations are read.
        prototxt: The original description.
        caffemodel: The original weights.
        inputs: What to run: an array, or a dict by blob name, in the model's
            layout (channels-last). Default: noise of a fixed seed.
        outputs, phase, stages, level: As they were given to `to_keras`.

    Returns:
        A table: `print` shows it, `passed` says whether every blob was
        checked and agrees to 1e-4 of its range. Blobs that OpenCV cannot
        make, or makes wrongly, are unchecked, with the reason.
    """
    state = make_state(phase, stages, level)
    net = read_prototxt(prototxt)
    record = name_map(model)
    if record is None:
        # Keras drops the record when it loads a model; names repeat.
        record = name_map(
            to_keras(prototxt, None, outputs, phase, stages, level)
        )
    graph = build_graph(net, state, record["outputs"], os.fspath(prototxt))
    feed = feeds(model, graph, inputs)
    values = activations(model, record, feed)
    try:
        tops, oracle = run_opencv(
            prototxt,
            caffemodel,
            {name: to_caffe(array) for name, array in feed.items()},
            {node.name: len(node.tops) for node in graph.nodes},
        )
        failure = ""
    except OracleUnavailable as error:
        tops, oracle, failure = {}, None, str(error)
    doubts = doubtful(graph)
    rows = []
    for node in graph.nodes:
        if node.type == "Input":
            continue
        made = values[(node.name, *node.parameter.top)]
        for place, number in enumerate(node.tops):
            mine = made[place]
            theirs = tops.get(node.name, [])
            reason = failure or doubts.get(number, "")
            if not reason and place >= len(theirs):
                reason = f"{oracle} does not show this layer"
            name = (node.name, node.type, graph.values[number])
            if mine is None:
                rows.append(
                    Row(
                        *name,
                        (),
                        oracle="the model",
                        reason="has no such layer",
                    )
                )
            elif reason:
                rows.append(Row(*name, mine.shape, reason=reason))
            else:
                difference, relative, wrong = compare(mine, theirs[place])
                rows.append(
                    Row(*name, mine.shape, difference, relative, oracle, wrong)
                )
    return Verification(tuple(rows))


def feeds(
    model: keras.Model, graph: Graph, inputs: object
) -> dict[str, np.ndarray]:
    """The model's inputs, float32, by blob name."""
    batch = {}
    for node in graph.nodes:
        shapes = node.parameter.input_param.shape
        for index, top in enumerate(node.parameter.top):
            if node.type == "Input":
                batch[top] = shapes[index % len(shapes)].dim[0]
    names = list(batch)
    if inputs is None:
        random = np.random.default_rng(SEED)
        return {
            name: random.standard_normal(
                (batch[name], *tensor.shape[1:]), np.float32
            )
            for name, tensor in zip(names, model.inputs, strict=True)
        }
    if not isinstance(inputs, dict):
        arrays = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        inputs = dict(zip(names, arrays, strict=False))
    if set(inputs) != set(names):
        raise ValueError(
            f"`inputs` must have an array for each of {names}. Received: "
            f"inputs of {list(inputs)}"
        )
    feed = {name: np.asarray(inputs[name], np.float32) for name in names}
    for (name, array), tensor in zip(feed.items(), model.inputs, strict=True):
        if array.shape[1:] != tuple(tensor.shape[1:]):
            raise ValueError(
                f"`inputs` must have the shape {tuple(tensor.shape)} for "
                f"{name!r}. Received: an array of shape {array.shape}"
            )
    return feed


def activations(
    model: keras.Model, record: dict, feed: dict[str, np.ndarray]
) -> dict[tuple[str, ...], list[np.ndarray | None]]:
    """The tops of each layer of the record, in Caffe's order of axes.

    A layer is found by its name and its tops. None stands for a Keras layer
    that the model does not have.
    """
    present = {layer.name: layer for layer in model.layers}
    wanted = {
        name: present[name].output
        for layer in record["layers"]
        for name in layer["tops"].values()
        if name in present
    }
    probe = keras.Model(model.inputs, wanted)
    made = probe(list(feed.values()), training=False)
    arrays = {
        name: to_caffe(keras.ops.convert_to_numpy(value))
        for name, value in made.items()
    }
    return {
        (layer["name"], *layer["tops"]): [
            arrays.get(name) for name in layer["tops"].values()
        ]
        for layer in record["layers"]
    }


def to_caffe(array: np.ndarray) -> np.ndarray:
    """N, H, W, C as N, C, H, W; other arrays as they are."""
    if array.ndim != 4:
        return np.ascontiguousarray(array)
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2))
