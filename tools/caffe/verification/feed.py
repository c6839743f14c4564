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


def find_feed(
    graph: Graph, inputs: object, caffes: bool = False
) -> dict[str, np.ndarray]:
    """The inputs by blob name, in Caffe's order of axes.

    Args:
        graph: Says what the inputs are.
        inputs: Arrays, one or by name, or None for noise.
        caffes: Which order an array is in if both orders fit: Caffe's, or the
            model's (channels-last).
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
        name: real_array(inputs[name], name, sizes[name], caffes)
        for name in names
    }


def real_array(
    values: object, name: str, size: Sequence[int], caffes: bool
) -> np.ndarray:
    """One input of the user's in Caffe's order, if a network can read it."""
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"`inputs` must be real numbers for {name!r}. Received: an array "
            f"of {array.dtype}"
        )
    own, theirs = (
        array.shape[1:] == shape for shape in (tuple(size), in_caffe(size))
    )
    if not (own or theirs) or not array.size:
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
    array = array.astype(np.float32)
    return array if theirs and (caffes or not own) else to_caffe(array)


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
