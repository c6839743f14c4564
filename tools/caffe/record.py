"""The original names of a network, kept with its model."""

import math
from collections.abc import Sequence
from os import PathLike
from typing import Any

import keras

from keras_hypersphere.backend.keras_internals import producer
from keras_hypersphere.tools.caffe.archive import read_config
from keras_hypersphere.tools.caffe.building.conversion_context import (
    caffe_shape,
)
from keras_hypersphere.tools.caffe.building.keras_layers import Build
from keras_hypersphere.tools.caffe.cost import multiply_adds
from keras_hypersphere.tools.caffe.network.node import Node

Record = dict[str, Any]
CONFIG_KEY = "caffe"


def make_record(build: Build, steps: dict[str, Any]) -> dict[str, Any]:
    """Which Keras layer makes which top of which Caffe layer, and more."""
    graph = build.graph
    inputs = [
        number
        for node in graph.nodes
        if node.type == "Input"
        for number in node.tops
    ]
    counted: set[int] = set()
    return {
        "inputs": {
            graph.values[number]: {
                "keras_name": tensor.name,
                "shape": list(tensor.shape),
            }
            for number, tensor in zip(inputs, build.inputs, strict=True)
        },
        "layers": [
            describe(build, node, keras_name, holders, counted)
            for node, keras_name, holders in zip(
                graph.nodes, build.names, build.holders, strict=True
            )
        ],
        "outputs": [graph.values[number] for number in graph.outputs],
        "shapes": {
            graph.values[number]: list(build.tensors[number].shape)
            for number in graph.outputs
        },
        **steps,
    }


def describe(
    build: Build,
    node: Node,
    keras_name: str,
    holders: Sequence[keras.layers.Layer],
    counted: set[int],
) -> dict[str, Any]:
    """The entry of one layer; shared parameters count where they are first."""
    new = [layer for layer in holders if id(layer) not in counted]
    counted.update(map(id, new))
    blobs = build.graph.values

    def shapes(numbers: Sequence[int]) -> list[tuple[int | None, ...]]:
        return [caffe_shape(build.tensors[number])[1:] for number in numbers]

    return {
        "name": node.name,
        "type": node.type,
        "keras_name": keras_name,
        "bottoms": [blobs[number] for number in node.bottoms],
        "tops": {blobs[n]: producer(build.tensors[n]).name for n in node.tops},
        "holders": [layer.name for layer in holders],
        "filled": node.name in build.unfilled,
        "parameters": sum(
            math.prod(variable.shape)
            for layer in new
            for variable in layer.weights
            if keras.backend.is_float_dtype(variable.dtype)
        ),
        "multiply_adds": multiply_adds(
            node.parameter, shapes(node.bottoms), shapes(node.tops)
        ),
        "weights": [
            variable.path
            for holder in holders
            for variable in holder.trainable_variables
        ],
        "multipliers": [
            [
                getattr(spec, field) if spec.HasField(field) else None
                for field in ("lr_mult", "decay_mult")
            ]
            for spec in node.parameter.param
        ],
    }


def recorded_config(own_config: Any, record: dict) -> dict[str, Any]:
    """The model's own config with our record in it."""
    return {**own_config(), CONFIG_KEY: record}


def name_map(model: keras.Model | str | PathLike) -> dict[str, Any] | None:
    """The original names of a converted model.

    Args:
        model: What `to_keras` returned, or the path of a `.keras` file that
            such a model was saved to.

    Returns:
        A dictionary, or None for any other model. Keras drops it when it
        loads a model; the file has it, in the model's config under
        `"caffe"`. Its keys:

        * `"inputs"`, by blob: `"keras_name"` and `"shape"`
        * `"layers"`, a list in Caffe's order; each has `"name"`, `"type"`,
          `"keras_name"`, `"bottoms"` (blobs), `"tops"` (the Keras layer of
          each blob), `"holders"` (Keras layers with weights), `"filled"`
          (whether its fillers made some), `"parameters"`,
          `"multiply_adds"`, `"weights"` (paths of variables) and
          `"multipliers"` (`[lr_mult, decay_mult]` of each)
        * `"outputs"`, a list of blobs
        * `"shapes"`, by blob
        * `"preprocessing"`, by blob: what is left to do to images before
          the model
        * `"preprocessing_in_model"`, by blob: what the model does itself

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no `.keras` file.

    Example:

    >>> from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
    >>> names = kh.tools.caffe.name_map(kh.tools.caffe.to_keras(PROTOTXT))
    >>> names["inputs"]["data"]["shape"], names["layers"][0]["type"]
    ([None, 28, 28, 1], 'Input')
    """
    if isinstance(model, (str, PathLike)):
        return read_config(model).get("config", {}).get(CONFIG_KEY)
    return model.get_config().get(CONFIG_KEY)
