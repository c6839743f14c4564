"""Blobs that are normalized, and blobs that are layers of their own."""

import math

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)

# What Caffe's CPU code adds to sums of squares before it takes the root.
EPSILON = 1e-6


def unit_rows(values: np.ndarray, epsilon: float = EPSILON) -> np.ndarray:
    """Rows over their lengths, as Caffe writes them back before it runs."""
    wide = values.astype(np.float64)
    lengths = np.sqrt((wide**2).sum(1, keepdims=True) + epsilon)
    lengths[lengths == 0] = 1
    return (wide / lengths).astype(np.float32)


def hold_blob(layer: Emission, values: np.ndarray, part: str = "") -> Tensor:
    """A blob that depends on no input, as the weight of a stock layer.

    An `Embedding` that is asked for all of its rows. Keras wants to see where
    a tensor comes from, so the numbers of the rows are an input times zero.
    """
    if layer.source is None:
        layer.unsupported("a network without inputs is not supported")
    if values.ndim == 4:
        values = values.transpose(0, 2, 3, 1)
    shape, name = values.shape, f"{part or 'rows'}_"
    zeros = layer.compute(
        keras.ops.zeros_like, layer.source, dtype="int32", part=f"{name}zeros"
    )
    zero = layer.compute(keras.ops.sum, zeros, part=f"{name}zero")
    numbers = layer.compute(
        keras.ops.add,
        zero,
        np.arange(shape[0], dtype=np.int32),
        part=f"{name}numbers",
    )
    own = "" if values.ndim == 2 or part else "rows"
    rows = layer.add(
        keras.layers.Embedding,
        numbers,
        part or own,
        weights=[values.reshape(shape[0], -1)],
        input_dim=shape[0],
        output_dim=math.prod(shape[1:]),
    )
    if values.ndim == 2:
        return rows
    blob = layer.compute(keras.ops.reshape, rows, shape, part=f"{name}shape")
    return layer.label(blob, f"{part}_blob" if part else "")
