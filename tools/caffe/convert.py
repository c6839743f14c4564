"""Caffe's files → a Keras model."""

import functools
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

import keras

from keras_hypersphere.backend.keras_internals import is_read, producer
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.order import check_order, hint_of_order
from keras_hypersphere.caffe_format.reader import read_prototxt
from keras_hypersphere.caffe_format.schema import NetParameter
from keras_hypersphere.tools.caffe.building.build import Build
from keras_hypersphere.tools.caffe.building.weights import Weights
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError
from keras_hypersphere.tools.caffe.layer_type import find_converter
from keras_hypersphere.tools.caffe.names import Names
from keras_hypersphere.tools.caffe.network.data_layers import preprocessing_of
from keras_hypersphere.tools.caffe.network.graph import build_graph
from keras_hypersphere.tools.caffe.network.preprocessing import Preprocessing
from keras_hypersphere.tools.caffe.network.rules import make_state
from keras_hypersphere.tools.caffe.record import make_record, recorded_config

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
        prototxt: The network's description, text or binary.
        caffemodel: Its weights: binary, text or HDF5. Layers that it does
            not hold, and all layers if it is None, start from their fillers.
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
            images of 0 to 255 then, blue first, resized and cropped. The
            `mean_file` that the layer names is read.

    Returns:
        A functional model, channels-last, with a free batch size. Layers
        have the names of Caffe's layers (`/` becomes `__`), inputs and
        `output_names` those of Caffe's blobs (a loaded model's output_names
        are those of Keras layers). One output is a tensor, several are a
        list. `name_map(model)` gives the original names.

    Raises:
        FileNotFoundError: If a file does not exist.
        CaffeFormatError: If the files are broken or do not fit each other,
            or the caffemodel holds the weights of not one layer.
        UnsupportedLayerError: If a layer cannot be converted exactly.
    """
    # A wrong argument should not wait for a large file.
    make_state(phase, stages, level)
    if caffemodel is not None:
        check_order(caffemodel)
    net = read_prototxt(prototxt)
    try:
        return convert(
            net,
            fspath(prototxt),
            caffemodel,
            outputs,
            phase,
            stages,
            level,
            input_shapes,
            preprocessing,
        )
    except (CaffeFormatError, UnsupportedLayerError) as error:
        raise hint_of_order(error, net, prototxt) from error.__cause__


def convert(
    net: NetParameter,
    file: str,
    caffemodel: str | PathLike | None = None,
    outputs: Sequence[str] | None = None,
    phase: str = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    preprocessing: bool = False,
) -> keras.Model:
    """Converts a network that has been read: `to_keras` without the file."""
    state = make_state(phase, (*stages, *net.state.stage), level)
    graph = build_graph(net, state, outputs, file, input_shapes)
    for node in graph.nodes:
        find_converter(node.type, file, node.parameter)
    steps = preprocessing_of(list(filter(state.includes, net.layer)), file)
    read = {
        top
        for node in graph.nodes
        if node.type == "Input"
        for top in node.parameter.top
    }
    steps = {name: step for name, step in steps.items() if name in read}
    if preprocessing and not any(s.shifts_or_scales for s in steps.values()):
        warnings.warn(
            f"{file}: `preprocessing` adds nothing: no data layer has a "
            "transform_param with a mean or a scale; put one in, or do to the "
            "images yourself what their training did",
            stacklevel=2,
        )
    weights = Weights(caffemodel, net, file)
    build = Build(graph, weights, file, steps if preprocessing else {})
    build.run(state.training)
    if not build.inputs:
        raise CaffeFormatError("has no inputs; add an Input layer", file)
    weights.check_use()
    if caffemodel is not None and build.unfilled:
        warnings.warn(
            f"{fspath(caffemodel)}: holds no blobs for "
            f"{', '.join(build.unfilled)}: they keep their fillers",
            stacklevel=2,
        )
    return assemble(net.name, build, describe(steps, build))


def describe(
    steps: Mapping[str, Preprocessing], build: Build
) -> dict[str, dict[str, Any]]:
    """What is done to the images of each input, by whom."""
    done = {n: s for n, s in build.steps.items() if s.shifts_or_scales}
    return {
        "preprocessing": {
            name: (step.left_to_do() if name in done else step).to_dict()
            for name, step in steps.items()
        },
        "preprocessing_in_model": {n: s.in_model() for n, s in done.items()},
    }


def assemble(name: str, build: Build, steps: dict[str, Any]) -> keras.Model:
    """Makes the model, and notes the original names in it."""
    graph, inputs = build.graph, build.inputs
    given = {id(tensor) for tensor in inputs}
    outputs = []
    for number in graph.outputs:
        tensor = build.tensors[number]
        if id(tensor) in given:
            # Keras 3.12 refuses an input that no layer reads.
            label = build.claimed.claim(f"{graph.values[number]}_output")
            tensor = keras.layers.Identity(name=label)(tensor)
        outputs.append(tensor)
    outputs[0] = connect(outputs[0], inputs, build.claimed)
    try:
        model = keras.Model(
            inputs[0] if len(inputs) == 1 else inputs,
            outputs[0] if len(outputs) == 1 else outputs,
            # This name is free, and TensorFlow wants it plain.
            name=re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_") or None,
        )
    except RecursionError as error:
        raise UnsupportedLayerError(
            f"has {len(graph.nodes)} layers, more in a row than Keras follows "
            f"under Python's limit of {sys.getrecursionlimit()} calls; raise "
            "it by sys.setrecursionlimit, here and where the model is loaded",
            build.file,
        ) from error
    run_odd_names(model)
    model.output_names = [graph.values[number] for number in graph.outputs]
    record = make_record(build, steps)
    take_original_names(model, list(record["inputs"]))
    own_config = model.get_config
    # A subclass could not be loaded without this package. Keras skips keys
    # that it does not know.
    model.get_config = functools.partial(recorded_config, own_config, record)
    return model


def connect(output: Any, inputs: Sequence[Any], names: Names) -> Any:
    """The output, less the sum of no cells of each input that no layer reads.

    The second bottom of a Crop only tells a size, and Keras 3.12 refuses an
    input that leads nowhere.
    """
    for tensor in inputs:
        source = producer(tensor)
        if is_read(source):
            continue
        for function, *arguments in (
            # A new last axis: the size of the batch is not known.
            (keras.ops.expand_dims, -1),
            (keras.ops.split, [0], -1),
            (keras.ops.sum,),
            (functools.partial(keras.ops.subtract, output),),
        ):
            tensor = function(tensor, *arguments)
            tensor = tensor[0] if isinstance(tensor, list) else tensor
            step = producer(tensor)
            step.name = names.claim(f"{source.name}_unread")
        output = tensor
    return output


def take_original_names(model: keras.Model, names: Sequence[str]) -> None:
    """Lets a dict of inputs have Caffe's names, with `/` and `.` too.

    A loaded model has only the names that Keras could save.
    """
    if names == [tensor.name for tensor in model.inputs]:
        return
    specs = model.input_spec
    for tensor, spec, name in zip(model.inputs, specs, names, strict=True):
        tensor.name = spec.name = name
    model.input_spec = specs


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
