"""Compares a converted model with other readers of the same files."""

import os
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike

import keras
import numpy as np

from keras_hypersphere.caffe_format.reader import read_prototxt
from keras_hypersphere.tools.caffe.convert import to_keras
from keras_hypersphere.tools.caffe.network.graph import Graph, build_graph
from keras_hypersphere.tools.caffe.network.rules import make_state
from keras_hypersphere.tools.caffe.record import name_map
from keras_hypersphere.tools.caffe.verification.feed import (
    find_feed,
    input_nodes,
    to_arrays,
)
from keras_hypersphere.tools.caffe.verification.oracles import Oracles
from keras_hypersphere.tools.caffe.verification.probe import (
    Record,
    Values,
    activations,
)
from keras_hypersphere.tools.caffe.verification.report import Verification
from keras_hypersphere.tools.caffe.verification.rows import (
    by_number,
    find_left_out,
    layer_rows,
    output_rows,
)
from keras_hypersphere.tools.caffe.verification.weight_check import (
    changed_weights,
)


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
        Blobs that no output needs are left out.

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
    net = read_prototxt(prototxt)
    state = make_state(phase, (*stages, *net.state.stage), level)
    record = record or name_map(model)
    if outputs is None and record is not None:
        graph = build_graph(net, state, None, file, input_shapes)
        outputs = chosen_outputs(graph, record)
    # Keras drops the record when it loads a model; names repeat.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fresh = to_keras(prototxt, caffemodel, outputs, *options, input_shapes)
    again = name_map(fresh)
    record = record or again
    check_ends(model, record, file)
    faults = changed_weights(model, fresh, again)
    sizes = {
        name: tensor.shape[1:]
        for name, tensor in zip(record["inputs"], model.inputs, strict=True)
    }
    graph = build_graph(net, state, outputs, file, sizes)
    feed = find_feed(model, graph, sizes, inputs)
    mine, returned = activations(model, record, to_arrays(model, feed))
    made = by_number(graph, mine)
    read = images(graph, feed, made)
    oracles = Oracles(graph, prototxt, caffemodel, read, made)
    left_out = find_left_out(graph, fresh, again)
    rows = [
        *layer_rows(graph, made, oracles, faults, left_out),
        *output_rows(graph, made, returned, oracles),
    ]
    blobs = [graph.values[number] for number in sorted(left_out - made.keys())]
    return Verification(tuple(rows), tuple(oracles.notes), tuple(blobs))


def chosen_outputs(graph: Graph, record: Record) -> list[str] | None:
    """The outputs that a model was converted for, where it was not for all.

    Args:
        graph: The whole network.
        record: The model's `name_map`.
    """
    ends = [graph.values[number] for number in graph.outputs]
    same_inputs = list(input_nodes(graph)) == list(record["inputs"])
    whole = same_inputs and ends == record["outputs"]
    return None if whole else record["outputs"]


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
