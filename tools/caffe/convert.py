"""Caffe's files → a Keras model."""

import functools
import math
import os
import re
import warnings
from collections.abc import Sequence
from os import PathLike
from typing import Any

import keras

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.reader import read_prototxt
from keras_hypersphere.tools.caffe import layers  # noqa: F401  registers them
from keras_hypersphere.tools.caffe.emission import MOST_VALUES, Emission, Tensor
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError
from keras_hypersphere.tools.caffe.graph import Graph, Node, build_graph
from keras_hypersphere.tools.caffe.names import Names
from keras_hypersphere.tools.caffe.registry import find_emitter
from keras_hypersphere.tools.caffe.rules import make_state
from keras_hypersphere.tools.caffe.sharing import Sharing
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
) -> keras.Model:
    """Converts a Caffe network.

    Args:
        prototxt: The network's description, text.
        caffemodel: Its weights, binary. Layers that it does not hold, and
            all layers if it is None, start from their fillers.
        outputs: Names of the blobs that the model returns, in this order.
            What they do not need is left out. Default: the blobs that no
            layer reads, in alphabetical order, as in pycaffe.
        phase: `"TEST"` or `"TRAIN"`: which layers are included.
        stages: Stages that are set, for layers with stage rules.
        level: Level, for layers with level rules.

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
    file = os.fspath(prototxt)
    state = make_state(phase, stages, level)
    net = read_prototxt(prototxt)
    state = make_state(phase, (*stages, *net.state.stage), level)
    graph = build_graph(net, state, outputs, file)
    for node in graph.nodes:
        find_emitter(node.type, file, node.name)
    weights = Weights(caffemodel)
    inputs, keras_names, tensors, unfilled = emit(graph, weights, file)
    if not inputs:
        raise CaffeFormatError("has no inputs; add an Input layer", file)
    if caffemodel is not None and unfilled:
        warnings.warn(
            f"{weights.file}: holds no blobs for {', '.join(unfilled)}: they "
            "keep their fillers",
            stacklevel=2,
        )
    return assemble(net.name, graph, inputs, keras_names, tensors)


def emit(
    graph: Graph, weights: Weights, file: str
) -> tuple[list[Tensor], list[str], dict[int, Tensor], list[str]]:
    """Calls the emitters.

    Returns the inputs, the nodes' names in Keras, the values by number, and
    the names of layers that keep their fillers.
    """
    names = Names()
    sharing = Sharing(graph.shared, weights)
    # Inputs first: their names are what users type.
    top_names = [
        [names.claim(top) for top in node.parameter.top]
        if node.type == "Input"
        else []
        for node in graph.nodes
    ]
    keras_names = [
        "" if node.type == "Input" else names.claim(node.name)
        for node in graph.nodes
    ]
    inputs, tensors, unfilled = [], {}, []
    for node, tops, keras_name in zip(
        graph.nodes, top_names, keras_names, strict=True
    ):
        emission = Emission(
            node.parameter, tops, keras_name, names, weights, file, sharing
        )
        made = run(emission, node, [tensors[i] for i in node.bottoms])
        tensors.update(zip(node.tops, made, strict=True))
        inputs += emission.inputs_made
        if emission.kept_fillers:
            unfilled.append(node.name)
    return inputs, keras_names, tensors, unfilled


def run(emission: Emission, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Calls one emitter, and checks what it made."""
    try:
        made = find_emitter(node.type)(emission, inputs)
    except (CaffeFormatError, UnsupportedLayerError):
        raise
    except (ValueError, TypeError, OverflowError) as error:
        # A setting that Keras refuses and no emitter foresaw.
        reason = " ".join(str(error).split())
        raise CaffeFormatError(
            f"Keras refuses it: {reason}", emission.file, node.name, node.type
        ) from error
    made = list(made) if isinstance(made, (list, tuple)) else [made]
    if len(made) != len(node.tops):
        emission.fail(f"has {len(node.tops)} tops; it makes {len(made)}")
    for tensor in made:
        if not 0 < math.prod(tensor.shape[1:]) <= MOST_VALUES:
            emission.fail(f"makes a blob of shape {tuple(tensor.shape)}")
    return made


def assemble(
    name: str,
    graph: Graph,
    inputs: list[Tensor],
    keras_names: list[str],
    tensors: dict[int, Tensor],
) -> keras.Model:
    """Makes the model, and notes the original names in it."""
    outputs = [tensors[number] for number in graph.outputs]
    model = keras.Model(
        inputs[0] if len(inputs) == 1 else inputs,
        outputs[0] if len(outputs) == 1 else outputs,
        # This name is free, and TensorFlow wants it plain.
        name=re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_") or None,
    )
    run_odd_names(model)
    model.output_names = [graph.values[number] for number in graph.outputs]
    record = make_record(graph, keras_names, tensors)
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


def make_record(
    graph: Graph, keras_names: list[str], tensors: dict[int, Tensor]
) -> dict[str, Any]:
    """Which Keras layer makes which top of which Caffe layer."""

    def maker(number: int) -> str:
        return tensors[number]._keras_history.operation.name

    return {
        "layers": [
            {
                "name": node.name,
                "type": node.type,
                "keras_name": keras_name,
                "tops": {graph.values[n]: maker(n) for n in node.tops},
            }
            for node, keras_name in zip(graph.nodes, keras_names, strict=True)
        ],
        "outputs": [graph.values[number] for number in graph.outputs],
    }


def name_map(model: keras.Model) -> dict[str, Any] | None:
    """The original names of a converted model.

    Args:
        model: What `to_keras` returned.

    Returns:
        `{"layers": [{"name", "type", "keras_name", "tops": {blob: Keras
        layer}}, …], "outputs": [blob, …]}`, or None for any other model. The
        same is in the saved file, in the model's config under `"caffe"`.
    """
    return model.get_config().get(CONFIG_KEY)
