"""Reads the weights of a network out of an ONNX file.

The layers of the file and those of the model are paired in their order, so
both must be chains: branches have no order. Names are not compared, because
whatever exports a network makes them up.
"""

import math
import os
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
from google.protobuf.message import DecodeError
from keras import layers

from keras_hypersphere.zoo.loading.onnx_constants import (
    OPERATIONS,
    OnnxFormatError,
    array_of,
    attributes,
    compute,
)
from keras_hypersphere.zoo.loading.onnx_schema import ModelProto
from keras_hypersphere.zoo.loading.weight_files import require_file

KINDS = {
    layers.Conv2D: "Conv",
    layers.DepthwiseConv2D: "Conv",
    layers.BatchNormalization: "BatchNormalization",
    layers.PReLU: "PRelu",
    layers.Dense: "Gemm",
}
# What ONNX takes for an attribute that a node lacks.
DEFAULTS = {"epsilon": 1e-5, "strides": (1, 1), "alpha": 1.0, "beta": 1.0}

# The shape of an image before it is flattened, where that matters.
Image = tuple[int, int, int] | None


class OnnxLayer(NamedTuple):
    """A node with weights.

    Attributes:
        name: Its name.
        kind: Its operation, such as `"Conv"`.
        weights: Its weights, in the order and with the axes of ONNX.
        settings: Its attributes.
    """

    name: str
    kind: str
    weights: list[np.ndarray]
    settings: dict


def read_layers(path: "str | os.PathLike") -> list[OnnxLayer]:
    """Reads the layers that have weights, in the order of the network.

    Args:
        path: An ONNX file that holds its weights: as float32, or as int8
            with scales.

    Raises:
        FileNotFoundError: If there is no such file.
        OnnxFormatError: If it is damaged, another file, has branches, or
            holds what is not read.
    """
    path = Path(path)
    require_file(path)
    try:
        model = ModelProto.FromString(path.read_bytes())
    except DecodeError:
        raise OnnxFormatError(
            f"'{path}' is not an ONNX file, or is damaged."
        ) from None
    try:
        return layers_of(model)
    except OnnxFormatError as error:
        raise OnnxFormatError(
            f"'{path}' is not an ONNX file of a network whose weights can be "
            f"read: {error}"
        ) from None


def layers_of(model: ModelProto) -> list[OnnxLayer]:
    """The nodes of a model that have weights."""
    constants = {t.name: array_of(t) for t in model.graph.initializer}
    found = []
    for node in model.graph.node:
        constant = node.op_type == "Constant"
        if not node.output or (constant and not node.attribute):
            raise OnnxFormatError(f"a node {node.op_type} is not whole")
        if constant:
            constants[node.output[0]] = array_of(node.attribute[0].t)
            continue
        # An input that is left out has no name.
        inputs = [name for name in node.input if name]
        values = [constants[name] for name in inputs if name in constants]
        others = len(inputs) - len(values)
        if not others and node.op_type in OPERATIONS:
            constants[node.output[0]] = compute(node, values)
            continue
        name = node.name or node.output[0]
        if others > 1:
            raise OnnxFormatError(
                f"its node {name} ({node.op_type}) joins two branches"
            )
        # A single number is no weight, as in (values - 127.5) / 128.
        if any(v.size > 1 and v.dtype == np.float32 for v in values):
            found.append(
                OnnxLayer(name, node.op_type, values, attributes(node))
            )
    if not found:
        raise OnnxFormatError("no layer has weights")
    return found


def read_onnx(
    model: keras.Model, path: "str | os.PathLike"
) -> dict[str, np.ndarray]:
    """The weights of an ONNX file, by the paths of a model's variables.

    Args:
        model: A model without branches, of convolutions, batch
            normalizations, slopes and dense layers.
        path: The file of the same network; ONNX has channels first.

    Raises:
        FileNotFoundError: If there is no such file.
        OnnxFormatError: If the file cannot be read.
        ValueError: If it is of another network. The shapes themselves are
            for `set_weights` to compare.
    """

    def refuse(what: str) -> ValueError:
        return ValueError(
            f"'{path}' does not hold the weights of {model.name}: {what}."
        )

    held = read_layers(path)
    inner = [x for x in model.layers if not isinstance(x, layers.InputLayer)]
    if any(isinstance(layer.input, list) for layer in inner):
        raise refuse("ONNX files are read for networks without branches only")
    count = sum(bool(layer.weights) for layer in inner)
    if len(held) != count:
        raise refuse(
            f"it has {len(held)} layers with weights, {count} were expected"
        )
    values: dict[str, np.ndarray] = {}
    sources = iter(held)
    image: Image = None
    for layer, before in zip(inner, [None, *inner[:-1]], strict=True):
        if isinstance(layer, layers.Flatten):
            image = flattened(layer, before)
        if not layer.weights:
            continue
        source = next(sources)
        wrong = difference(source, layer)
        if image and not isinstance(layer, layers.Dense):
            wrong = "numbers of a flattened image, which only Dense may have"
        if wrong:
            raise refuse(f"its layer {source.name} has {wrong} ({layer.name})")
        arrays = keras_order(source, layer, image)
        image = None
        for variable, array in zip(layer.weights, arrays, strict=True):
            values[variable.path] = array
    return values


def flattened(flatten: layers.Flatten, before: "layers.Layer | None") -> Image:
    """(height, width, channels) of what is flattened.

    None if it is not an image, or has ONNX's order: channels first.
    """
    shape = flatten.input.shape[1:]
    if len(shape) != 3 or isinstance(before, layers.Permute):
        return None
    return shape


def difference(source: OnnxLayer, layer: layers.Layer) -> str | None:
    """What is not the same in two layers, besides shapes; None if all is."""
    kind = KINDS.get(type(layer), type(layer).__name__)
    if source.kind != kind:
        return f"the type {source.kind}, {kind} was expected"
    if len(source.weights) != len(layer.weights):
        return (
            f"{len(source.weights)} weights, {len(layer.weights)} were expected"
        )
    sizes = [math.prod(weight.shape) for weight in layer.weights]
    if [weight.size for weight in source.weights] != sizes:
        shapes = [weight.shape for weight in source.weights]
        return f"weights of the shapes {shapes}, {sizes} numbers were expected"
    expected = {
        "Conv": lambda: {"strides": layer.strides},
        "BatchNormalization": lambda: {"epsilon": layer.epsilon},
        "Gemm": lambda: {"alpha": 1.0, "beta": 1.0},
    }.get(kind, dict)()
    for name, value in expected.items():
        given = source.settings.get(name, DEFAULTS[name])
        if not np.allclose(given, value, rtol=1e-6, atol=0):
            return f"{name} = {given}, {value} was expected"
    return None


def keras_order(
    source: OnnxLayer, layer: layers.Layer, image: Image
) -> list[np.ndarray]:
    """The weights of a layer with the axes of Keras.

    Args:
        source: The layer of the file.
        layer: That of the model.
        image: What was flattened right before a dense layer.
    """
    first, *rest = source.weights
    if isinstance(layer, layers.DepthwiseConv2D):
        each = layer.depth_multiplier
        first = first.reshape(-1, each, *first.shape[2:]).transpose(2, 3, 0, 1)
    elif isinstance(layer, layers.Conv2D):
        first = first.transpose(2, 3, 1, 0)
    elif isinstance(layer, layers.PReLU):
        first = np.moveaxis(first, 0, -1)
    elif isinstance(layer, layers.Dense):
        first = first.T if source.settings.get("transB") else first
        if image and len(first) == math.prod(image):
            height, width, channels = image
            kernel = first.reshape(channels, height, width, layer.units)
            first = kernel.transpose(1, 2, 0, 3).reshape(first.shape)
    return [first, *rest]
