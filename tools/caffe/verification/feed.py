"""What `verify` runs a model on: the user's arrays, or noise."""

from collections.abc import Mapping, Sequence

import keras
import numpy as np

from keras_hypersphere.npz_damage import DAMAGE
from keras_hypersphere.tools.caffe.network.graph import Graph
from keras_hypersphere.tools.caffe.verification.noise import make_inputs
from keras_hypersphere.tools.caffe.verification.probe import (
    in_caffe,
    in_keras,
    to_caffe,
    to_keras_layout,
)


def input_sizes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The shapes of a network's inputs in the model, without the batch."""
    return {name: in_keras(shape[1:]) for name, shape in graph.inputs.items()}


def in_models_order(
    graph: Graph, inputs: object, caffes: bool = False
) -> object:
    """Inputs in the model's order of axes, of which some are in Caffe's.

    Args:
        graph: Says what the inputs are.
        inputs: Arrays, one or by name, or None.
        caffes: What an array is in that fits both orders.
    """
    if inputs is None:
        return None
    sizes = input_sizes(graph)
    if not isinstance(inputs, Mapping):
        if not isinstance(inputs, (list, tuple)):
            inputs = [inputs]
        if len(inputs) != len(sizes):
            return inputs
        inputs = dict(zip(sizes, inputs, strict=True))

    def fit(array: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
        own, theirs = (
            array.shape[1:] == shape for shape in (size, in_caffe(size))
        )
        return (
            to_keras_layout(array)
            if theirs and (caffes or not own)
            else (array)
        )

    return {
        name: fit(np.asarray(array), sizes.get(name, ()))
        for name, array in inputs.items()
    }


def find_feed(graph: Graph, inputs: object) -> dict[str, np.ndarray]:
    """The inputs by blob name, in Caffe's order of axes.

    Args:
        graph: Says what the inputs are.
        inputs: Arrays in the model's order, one or by name, or None for
            noise.
    """
    sizes = input_sizes(graph)
    names = list(sizes)
    if inputs is None:
        return make_inputs(graph, graph.inputs)
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


def real_array(values: object, name: str, size: Sequence[int]) -> np.ndarray:
    """One input of the user's, if a network can be run on it."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"`inputs` must be real numbers for {name!r}. Received: an array "
            f"of {array.dtype}"
        )
    if array.shape[1:] != tuple(size) or not array.size:
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


def read_inputs(file: str) -> np.ndarray | dict[str, np.ndarray]:
    """The arrays of a .npy or .npz file."""
    try:
        found = np.load(file, allow_pickle=False)
        # Of an .npz each array is read here.
        found = found if isinstance(found, np.ndarray) else dict(found.items())
    except DAMAGE as error:
        raise ValueError(
            f"{file}: is no .npy or .npz file of numbers; write one with "
            "numpy.save or numpy.savez"
        ) from error
    arrays = found if isinstance(found, dict) else {"the array": found}
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise ValueError(
                f"{file}: must hold real numbers. Received: an array of dtype "
                f"{array.dtype} for {name!r}"
            )
    return found
