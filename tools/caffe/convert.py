"""Caffe's files → a Keras model."""

import functools
import re
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

import keras

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.reader import read_prototxt
from keras_hypersphere.tools.caffe.archive import read_config
from keras_hypersphere.tools.caffe.build import Build
from keras_hypersphere.tools.caffe.cost import multiply_adds
from keras_hypersphere.tools.caffe.data_layers import preprocessing_of
from keras_hypersphere.tools.caffe.emission import caffe_shape
from keras_hypersphere.tools.caffe.graph import build_graph
from keras_hypersphere.tools.caffe.registry import find_emitter
from keras_hypersphere.tools.caffe.rules import make_state
from keras_hypersphere.tools.caffe.weights import Weights

CONFIG_KEY = "caffe"
# Names that TensorFlow accepts inside a compiled function.
SCOPE = re.compile(r"[A-Za-z0-9_.\\/>-]+")


def to_keras(
    prototxt: str | PathLike,
    caffemodel: str | PathLike | None = None,
    outputs: Sequence[str] | None = None,
    phase: str = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    preprocessing: bool = False,
) -> keras.Model:
    """Converts a Caffe network.

    Args:
        prototxt: The network's description, text.
        caffemodel: Its weights, binary. Layers that it does not hold, and
            all layers if it is None, start from their fillers.
        outputs: Names of the blobs that the model returns, in this order.
            What they do not need is left out. Default: the blobs that no
            layer reads, in alphabetical order, as in pycaffe.
        phase: `"TEST"`, or `"TRAIN"` for a model that trains: labels are
            inputs, heads and losses are layers, and losses are added with
            their weights, so `model.compile(optimizer)` and `model.fit({
            "data": x, "label": y})` do. `"TEST"` leaves losses, accuracies
            and labels out; what they read is an output.
        stages: Stages that are set, for layers with stage rules.
        level: Level, for layers with level rules.
        input_shapes: Shapes of inputs by blob name, channels-last and
            without the batch: `{"data": (112, 96, 3)}`. For data layers
            that do not say, and for inputs of another size.
        preprocessing: Whether the model begins with what the data layer
            does to images: subtracting the mean, then multiplying. It takes
            images of 0 to 255 then, blue first, resized and cropped.

    Returns:
        A functional model, channels-last, with a free batch size. Layers
        have the names of Caffe's layers (`/` becomes `__`), inputs and
        `output_names` those of Caffe's blobs. One output is a tensor,
        several are a list. `name_map(model)` gives the original names.

    Raises:
        FileNotFoundError: If a file does not exist.
        CaffeFormatError: If the files are broken or do not fit each other.
        UnsupportedLayerError: If a layer cannot be converted exactly.
    """
    file = fspath(prototxt)
    state = make_state(phase, stages, level)
    net = read_prototxt(prototxt)
    state = make_state(phase, (*stages, *net.state.stage), level)
    graph = build_graph(net, state, outputs, file, input_shapes)
    for node in graph.nodes:
        find_emitter(node.type, file, node.name)
    steps = preprocessing_of(filter(state.includes, net.layer), file)
    build = Build(
        graph, Weights(caffemodel), file, steps if preprocessing else {}
    )
    build.run(state.training)
    if not build.inputs:
        raise CaffeFormatError("has no inputs; add an Input layer", file)
    if caffemodel is not None and build.unfilled:
        warnings.warn(
            f"{fspath(caffemodel)}: holds no blobs for "
            f"{', '.join(build.unfilled)}: they keep their fillers",
            stacklevel=2,
        )
    kept = {name: s.to_dict() for name, s in steps.items()}
    return assemble(net.name, build, kept)


def assemble(name: str, build: Build, steps: dict[str, Any]) -> keras.Model:
    """Makes the model, and notes the original names in it."""
    graph, inputs = build.graph, build.inputs
    outputs = [build.tensors[number] for number in graph.outputs]
    model = keras.Model(
        inputs[0] if len(inputs) == 1 else inputs,
        outputs[0] if len(outputs) == 1 else outputs,
        # This name is free, and TensorFlow wants it plain.
        name=re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_") or None,
    )
    run_odd_names(model)
    model.output_names = [graph.values[number] for number in graph.outputs]
    record = make_record(build, steps)
    own_config = model.get_config
    # A subclass could not be loaded without this package. Keras skips keys
    # that it does not know.
    model.get_config = functools.partial(recorded_config, own_config, record)
    return model


def run_odd_names(model: keras.Model) -> None:
    """Lets `predict` work where a layer's name has blanks or other signs.

    TensorFlow takes such names only outside of compiled functions.
    """
    odd = [op.name for op in model.operations if not SCOPE.fullmatch(op.name)]
    if odd and keras.backend.backend() == "tensorflow":
        model.run_eagerly = True
        warnings.warn(
            f"TensorFlow cannot compile layers named {odd}; the model runs "
            "eagerly. Rename them in the prototxt and the caffemodel to "
            "export it",
            stacklevel=2,
        )


def recorded_config(own_config: Any, record: dict) -> dict[str, Any]:
    """The model's own config with our record in it."""
    return {**own_config(), CONFIG_KEY: record}


def make_record(build: Build, steps: dict[str, Any]) -> dict[str, Any]:
    """Which Keras layer makes which top of which Caffe layer."""
    graph = build.graph

    def maker(number: int) -> str:
        return build.tensors[number]._keras_history.operation.name

    def shapes(numbers: Sequence[int]) -> list[tuple[int | None, ...]]:
        return [caffe_shape(build.tensors[number])[1:] for number in numbers]

    return {
        "inputs": {
            graph.values[number]: tensor.name
            for number, tensor in zip(
                (
                    n
                    for node in graph.nodes
                    if node.type == "Input"
                    for n in node.tops
                ),
                build.inputs,
                strict=True,
            )
        },
        "layers": [
            {
                "name": node.name,
                "type": node.type,
                "keras_name": keras_name,
                "bottoms": [graph.values[n] for n in node.bottoms],
                "tops": {graph.values[n]: maker(n) for n in node.tops},
                "multiply_adds": multiply_adds(
                    node.parameter, shapes(node.bottoms), shapes(node.tops)
                ),
                "weights": [
                    variable.path
                    for holder in holders
                    for variable in holder.trainable_variables
                ],
                "multipliers": [
                    [spec.lr_mult, spec.decay_mult]
                    for spec in node.parameter.param
                ],
            }
            for node, keras_name, holders in zip(
                graph.nodes, build.names, build.holders, strict=True
            )
        ],
        "outputs": [graph.values[number] for number in graph.outputs],
        "preprocessing": steps,
    }


def name_map(model: keras.Model | str | PathLike) -> dict[str, Any] | None:
    """The original names of a converted model.

    Args:
        model: What `to_keras` returned, or the path of a `.keras` file that
            such a model was saved to.

    Returns:
        `{"inputs": {blob: Keras input}, "layers": [{"name", "type",
        "keras_name", "bottoms": [blob, …], "tops": {blob: Keras layer},
        "multiply_adds", "weights": [path of a variable, …], "multipliers":
        [[lr_mult, decay_mult], …]}, …], "outputs": [blob, …],
        "preprocessing": {blob: Preprocessing.to_dict()}}`, or None for any
        other model. Keras drops it when it loads a model; the file has it,
        in the model's config under `"caffe"`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no `.keras` file.
    """
    if isinstance(model, (str, PathLike)):
        return read_config(model).get("config", {}).get(CONFIG_KEY)
    return model.get_config().get(CONFIG_KEY)
