"""What `verify` runs a model on: the user's arrays, or noise."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from keras_hypersphere.tools.caffe.network.graph import Graph
from keras_hypersphere.tools.caffe.network.node import Node
from keras_hypersphere.tools.caffe.verification.noise import make_inputs
from keras_hypersphere.tools.caffe.verification.probe import (
    in_caffe,
    to_caffe,
    to_keras_layout,
)


def input_nodes(graph: Graph) -> dict[str, Node]:
    """The input layers, by each of their tops."""
    return {
        top: node
        for node in graph.nodes
        if node.type == "Input"
        for top in node.parameter.top
    }


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
        for top, node in input_nodes(graph).items():
            shapes = node.parameter.input_param.shape
            index = list(node.parameter.top).index(top)
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
