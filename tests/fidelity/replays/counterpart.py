"""One Caffe layer in our objects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np


@dataclass
class Counterpart:
    """One layer: bottoms and whether to train -> tops.

    `weights` are in the order of Caffe's blobs, and `layouts` turn their
    arrays into Caffe's.
    """

    call: Callable[..., Sequence[Any]]
    weights: Sequence[keras.Variable] = ()
    layouts: Sequence[Callable] = ()
    # Of a batch normalization: the moving mean and variance.
    statistics: Sequence[keras.Variable] = ()


def same(array: np.ndarray) -> np.ndarray:
    return array


def of_layer(
    keras_layer: Any,
    shape: tuple[int, ...],
    blobs: list[np.ndarray],
    layouts: Sequence[Callable] = (same, same),
) -> Counterpart:
    """A layer of one bottom, whose weights are filled."""
    keras_layer.build(shape)
    weights = keras_layer.trainable_variables
    for weight, blob, layout in zip(weights, blobs, layouts, strict=False):
        # Both layouts are their own inverse.
        weight.assign(layout(blob))
    return Counterpart(
        lambda x, training: [keras_layer(x)], weights, list(layouts)
    )
