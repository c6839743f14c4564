"""Sets the weights of a network from its authors' caffemodel."""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_hypersphere.caffe_format import Blob, CaffeFormatError, read_blobs
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.zoo.loading.weight_files import require_file
from keras_hypersphere.zoo.loading.weights import set_weights

SUFFIXES = (".caffemodel", ".caffemodel.h5")
Shape = tuple[int, ...]
Blobs = Mapping[str, list[Blob | None]]


def is_caffe(weights: "str | os.PathLike") -> bool:
    """Whether a path is that of a caffemodel, by its suffix."""
    return str(weights).lower().endswith(SUFFIXES)


def load_caffe(
    model: keras.Model,
    path: "str | os.PathLike",
    architecture: str,
    names: Mapping[str, str],
) -> None:
    """Sets all weights of a model from the original file, or none.

    Layers are found by name, as in Caffe. The file may have more of them,
    but only behind the model's last one: classifiers and losses.

    Args:
        model: The model.
        path: A caffemodel: binary, text or HDF5.
        architecture: Name of the network, for errors.
        names: Caffe's names of the layers that Keras calls otherwise.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is not a caffemodel, or of another network.
    """
    require_file(Path(path))
    blobs = {name: held for name, held in read_blobs(path).items() if held}
    wanted = {
        names.get(layer.name, layer.name): layer
        for layer in model.layers
        if layer.weights
    }

    def refuse(what: str) -> ValueError:
        return ValueError(
            f"'{path}' does not fit {architecture}: {what}. The file has "
            f"{contents(blobs)}. Call the function that it is of, with the "
            "same `input_shape`, `classes` and, of SphereFace64, `variant`."
        )

    values = {}
    for name, layer in wanted.items():
        if name not in blobs:
            raise refuse(f"it has no weights for the layer {name}")
        shapes = [caffe_shape(layer, weight) for weight in layer.weights]
        given: Sequence[Any] = blobs[name]
        if len(given) != len(shapes) or not all(map(fits, given, shapes)):
            raise refuse(
                f"its layer {name} has {listed(map(blob_shape, given))}, "
                f"where {listed(shapes)} was expected"
            )
        for weight, shape, blob in zip(
            layer.weights, shapes, given, strict=True
        ):
            try:
                array = blob.array().reshape(shape)
            except CaffeFormatError as error:
                raise CaffeFormatError(error.message, str(path), name) from None
            values[weight.path] = keras_order(array, weight)
    strange = unknown_layer(blobs, list(wanted))
    if strange:
        raise refuse(
            f"it has a layer {strange}, "
            f"{listed(map(blob_shape, blobs[strange]))}, which "
            f"{architecture} has not"
        )
    set_weights(model, values, origin=str(path))


def caffe_shape(layer: keras.layers.Layer, weight: keras.Variable) -> Shape:
    """The shape of a weight of a layer in Caffe."""
    known = (
        keras.layers.Conv2D,
        keras.layers.Dense,
        keras.layers.PReLU,
        CosineDense,
    )
    if not isinstance(layer, known):
        raise TypeError(f"{type(layer).__name__} is no layer of Caffe's")
    shape = tuple(weight.shape)
    if len(shape) == 4:
        return (shape[3], shape[2], *shape[:2])
    # A slope a channel: (1, 1, channels).
    return (shape[-1],) if len(shape) == 3 else shape[::-1]


def keras_order(array: np.ndarray, weight: keras.Variable) -> np.ndarray:
    """Caffe's outputs, inputs, height, width as Keras has them."""
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    return array.T.reshape(weight.shape)


def blob_shape(blob: Blob | None) -> Shape:
    """Its shape; files of before 2015 put 1 before fewer than four sizes."""
    if blob is None:
        return ()
    shape = blob.shape
    while blob.legacy and len(shape) > 1 and shape[0] == 1:
        shape = shape[1:]
    return shape


def fits(blob: Blob | None, shape: Shape) -> bool:
    """Whether a blob has a shape, in the spelling of any year."""
    if blob is None:
        return False
    if blob.legacy:
        return blob.shape == (1,) * (4 - len(shape)) + shape
    return blob.shape == shape


def unknown_layer(blobs: Blobs, wanted: list[str]) -> str | None:
    """A layer of the file that shows that it is of another network.

    All names of a shallow network may be found in a deep one. Where the
    file is in the order of its network, nothing may stand before the
    model's last layer; in any order, what comes after it has no filters.
    """
    shared = [name for name in blobs if name in set(wanted)]
    last = list(blobs).index(wanted[-1]) if shared == wanted else -1
    for place, (name, held) in enumerate(blobs.items()):
        if name not in wanted and (
            place < last or any(len(blob_shape(blob)) > 2 for blob in held)
        ):
            return name
    return None


def contents(blobs: Blobs) -> str:
    """What a file looks like."""
    names = list(blobs)
    few = names if len(names) < 6 else [*names[:3], *names[-2:]]
    words = [f"{n} {listed(map(blob_shape, blobs[n]))}" for n in few]
    if len(names) > len(few):
        words.insert(3, "…")
    total = sum(
        math.prod(blob_shape(b)) for held in blobs.values() for b in held
    )
    return f"{len(names)} layers with {total:,} weights: {', '.join(words)}"


def listed(shapes: Iterable[Shape]) -> str:
    """Shapes, as in `64 x 3 x 3 x 3 and 64`."""
    return " and ".join(
        " x ".join(map(str, shape)) or "a number" for shape in shapes
    )
