"""What a model computes at each of Caffe's layers."""

from collections import Counter
from collections.abc import Iterable, Sequence

import keras
import numpy as np

from keras_hypersphere.backend import keras_internals
from keras_hypersphere.tools.caffe.network.node import Node
from keras_hypersphere.tools.caffe.record import Record

Key = tuple[str, ...]
Values = dict[str, np.ndarray]
Activations = dict[Key, list[np.ndarray | None]]


def activations(
    model: keras.Model, record: Record, feed: list[np.ndarray]
) -> tuple[Activations, list[np.ndarray]]:
    """The tops of each layer of the record, and what the model returns.

    Args:
        model: A converted model, maybe saved and loaded since.
        record: Its `name_map`.
        feed: The model's inputs, in its own layout.

    Returns:
        Arrays by the layer's key, in Caffe's order of axes;
        None stands for a Keras layer that the model does not have. And the
        model's outputs, likewise.
    """
    present = {op.name: op for op in model.operations}
    wanted = {
        name: first_output(present[name])
        for layer in record["layers"]
        for name in layer["tops"].values()
        if name in present
    }
    probe = keras.Model(model.inputs, [list(wanted.values()), model.outputs])
    made, outputs = keras.tree.map_structure(
        lambda value: to_caffe(keras.ops.convert_to_numpy(value)),
        probe(feed, training=False),
    )
    arrays = dict(zip(wanted, made, strict=True))
    tops = {
        key: [arrays.get(name) for name in layer["tops"].values()]
        for key, layer in zip(
            keys_of_record(record), record["layers"], strict=True
        )
    }
    return tops, outputs


def keys_of_record(record: Record) -> list[Key]:
    """The keys of the layers that a model was made of."""
    return numbered(
        (layer["name"], *layer["tops"]) for layer in record["layers"]
    )


def keys_of(nodes: Iterable[Node]) -> list[Key]:
    """The keys of the layers of a graph: name, tops, and how many before.

    Caffe takes layers of one name, and even of one top, if they change it in
    place.
    """
    return numbered((node.name, *node.parameter.top) for node in nodes)


def numbered(keys: Iterable[Key]) -> list[Key]:
    """Keys with the number of equal ones before them."""
    seen: Counter[Key] = Counter()
    made = []
    for key in keys:
        made.append((*key, str(seen[key])))
        seen[key] += 1
    return made


def first_output(operation: keras.Operation) -> keras.KerasTensor:
    """What an operation makes.

    A layer with shared weights is called several times. The first call is
    that of the Caffe layer of its name; others have an `Identity` of theirs.
    """
    return keras_internals.first_output(operation)


def to_caffe(array: np.ndarray) -> np.ndarray:
    """N, H, W, C as N, C, H, W; other arrays as they are."""
    if array.ndim != 4:
        return np.ascontiguousarray(array)
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2))


def in_caffe(size: Sequence[int]) -> tuple[int, ...]:
    """A shape without the batch: H, W, C as C, H, W."""
    return (size[2], *size[:2]) if len(size) == 3 else tuple(size)


def in_keras(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape without the batch: C, H, W as H, W, C."""
    return (*shape[1:], shape[0]) if len(shape) == 3 else tuple(shape)


def to_keras_layout(array: np.ndarray) -> np.ndarray:
    """N, C, H, W as N, H, W, C; other arrays as they are."""
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array
