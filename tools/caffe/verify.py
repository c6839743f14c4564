"""Compares a converted model with other readers of the same files."""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike

import keras
import numpy as np

from keras_hypersphere.caffe_format.reader import read_prototxt
from keras_hypersphere.tools.caffe.convert import to_keras
from keras_hypersphere.tools.caffe.graph import Graph, build_graph
from keras_hypersphere.tools.caffe.noise import make_inputs
from keras_hypersphere.tools.caffe.oracles import Oracles
from keras_hypersphere.tools.caffe.probe import (
    activations,
    in_caffe,
    to_caffe,
    to_keras_layout,
)
from keras_hypersphere.tools.caffe.record import name_map
from keras_hypersphere.tools.caffe.report import Row, Verification
from keras_hypersphere.tools.caffe.rules import make_state
from keras_hypersphere.tools.caffe.weight_check import changed_weights


def verify(
    model: keras.Model | str | PathLike,
    prototxt: str | PathLike,
    caffemodel: str | PathLike | None = None,
    inputs: object = None,
    outputs: Sequence[str] | None = None,
    phase: str = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
) -> Verification:
    """Compares every blob of a model with what the original files say.

    The oracle is OpenCV 4's Caffe importer where it is installed and can run
    the network. Where it cannot, or is known to be wrong, it is the float64
    reference of each layer type, which is tested on recordings of real
    Caffe. Each row of the report names its oracle; a blob that neither can
    make is unchecked, which is never a pass. A layer whose weights are not
    the file's differs, even if these inputs do not show it, and so does an
    output that is not its blob.

    Args:
        model: What `to_keras` returned, or what `keras.models.load_model`
            made of it after it was saved, or the path of the saved file. Its
            own activations are read.
        prototxt: The original description.
        caffemodel: The original weights.
        inputs: What to run: an array, or a dict by blob name, in the model's
            layout (channels-last). Default: noise of a fixed seed.
        outputs, phase, stages, level, input_shapes: As they were given to
            `to_keras`.

    Returns:
        A table: `print` shows it, `passed` says whether every blob was
        checked and agrees to 1e-4 of its range, or to 1e-6 of its largest
        number where the range is so narrow that float32 holds no more.

    Raises:
        TypeError: If `model` is neither a model nor a path.
        ValueError: If the model has other inputs or outputs than the files
            say, or `inputs` do not fit it.
    """
    file = os.fspath(prototxt)
    options = (phase, stages, level)
    record = None
    if isinstance(model, (str, PathLike)):
        record = name_map(model)
        model = keras.models.load_model(model)
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", 0):
        raise TypeError(
            "`model` must be a converted model, or the path of its `.keras` "
            f"file. Received: {model!r}"
        )
    # Keras drops the record when it loads a model; names repeat.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fresh = to_keras(prototxt, caffemodel, outputs, *options, input_shapes)
    again = name_map(fresh)
    record = record or name_map(model) or again
    for kind in ("inputs", "outputs"):
        if len(getattr(model, kind)) != len(record[kind]):
            raise ValueError(
                f"`model` must be what {file} was converted to, with the "
                f"{kind} {list(record[kind])}. Received: a model with "
                f"{len(getattr(model, kind))} {kind}"
            )
    faults = changed_weights(model, fresh, again)
    sizes = {
        name: tensor.shape[1:]
        for name, tensor in zip(record["inputs"], model.inputs, strict=True)
    }
    net = read_prototxt(prototxt)
    state = make_state(phase, (*stages, *net.state.stage), level)
    graph = build_graph(net, state, record["outputs"], file, sizes)
    feed = find_feed(model, graph, sizes, inputs)
    mine, returned = activations(model, record, to_arrays(model, feed))
    # With preprocessing in front, the network reads what that makes.
    read = {
        top: feed[top] if values is None else values
        for node in graph.nodes
        if node.type == "Input"
        for top, values in zip(
            node.parameter.top,
            mine[(node.name, *node.parameter.top)],
            strict=True,
        )
    }
    oracles = Oracles(graph, prototxt, caffemodel, read)
    rows = []
    found = {}
    for node in graph.nodes:
        made = mine[(node.name, *node.parameter.top)]
        found.update(zip(node.tops, made, strict=True))
        if node.type == "Input":
            continue
        for number, values in zip(node.tops, made, strict=True):
            name = (node.name, node.type, graph.values[number])
            if values is None:
                row = Row(*name, (), oracle="model", reason="has no layer")
            else:
                row = oracles.judge(name, number, values)
                if row.status == "ok" and node.name in faults:
                    row = replace(row, relative=None, reason=faults[node.name])
            rows.append(row)
    for number, values in zip(graph.outputs, returned, strict=True):
        if not np.array_equal(values, found[number], equal_nan=True):
            name = ("(output)", "", graph.values[number])
            rows.append(oracles.judge(name, number, values))
    return Verification(tuple(rows), tuple(oracles.notes))


def find_feed(
    model: keras.Model,
    graph: Graph,
    sizes: Mapping[str, Sequence[int]],
    inputs: object,
) -> dict[str, np.ndarray]:
    """The inputs by blob name, in Caffe's order of axes."""
    names = list(sizes)
    if inputs is None:
        batches = {}
        for node in graph.nodes:
            if node.type == "Input":
                shapes = node.parameter.input_param.shape
                for index, top in enumerate(node.parameter.top):
                    batches[top] = shapes[index % len(shapes)].dim[0]
        return make_inputs(
            graph, {n: (batches[n], *in_caffe(sizes[n])) for n in names}
        )
    if not isinstance(inputs, Mapping):
        arrays = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        if len(arrays) != len(names):
            raise ValueError(
                f"`inputs` must have an array for each of {names}. Received: "
                f"{len(arrays)} arrays"
            )
        inputs = dict(zip(names, arrays, strict=True))
    if set(inputs) != set(names):
        raise ValueError(
            f"`inputs` must have an array for each of {names}. Received: "
            f"inputs of {list(inputs)}"
        )
    return {
        name: to_caffe(real_array(inputs[name], name, sizes[name]))
        for name in names
    }


def real_array(
    values: object, name: str, size: Sequence[int | None]
) -> np.ndarray:
    """One input of the user's, if a network can be run on it."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"`inputs` must be real numbers for {name!r}. Received: an array "
            f"of {array.dtype}"
        )
    fits = array.ndim == len(size) + 1 and all(
        wanted in (None, given)
        for wanted, given in zip(size, array.shape[1:], strict=True)
    )
    if not fits or not array.size:
        raise ValueError(
            f"`inputs` must have the shape {(None, *size)} for {name!r}, with "
            f"one sample at least. Received: an array of shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"`inputs` must be finite for {name!r}: NaN and infinity prove "
            f"nothing. Received: {np.count_nonzero(~np.isfinite(array))} such "
            "values"
        )
    return array.astype(np.float32)


def to_arrays(
    model: keras.Model, feed: Mapping[str, np.ndarray]
) -> list[np.ndarray]:
    """The same in the model's layout and types."""
    return [
        to_keras_layout(array).astype(tensor.dtype)
        for array, tensor in zip(feed.values(), model.inputs, strict=True)
    ]
