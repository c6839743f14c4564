"""Layers that are built with their weights.

Keras draws random numbers for a layer and then copies the given ones over
them: most of the time of a conversion, and twice its memory.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np


@contextmanager
def initial_weights(
    layer: keras.layers.Layer, weights: Sequence[np.ndarray]
) -> Iterator[None]:
    """Gives a layer its weights while it is built.

    Args:
        layer: A new layer, to be called inside of the `with`.
        weights: One for each of `layer.weights`, in that order.
    """
    made: list[Any] = []
    own_method = layer.add_weight

    def add_weight(
        shape: Any = None, initializer: Any = None, *rest: Any, **settings: Any
    ) -> Any:
        index = len(made)
        if index < len(weights) and weights[index].shape == tuple(shape or ()):
            initializer = given(weights[index])
        made.append(own_method(shape, initializer, *rest, **settings))
        return made[-1]

    layer.add_weight = add_weight
    try:
        yield
    finally:
        del layer.add_weight
    # Layers that make their weights in another order than they list them, or
    # in layers of their own, take them the usual way.
    if list(map(id, made)) != list(map(id, layer.weights)) or any(
        tuple(variable.shape) != array.shape
        for variable, array in zip(made, weights, strict=False)
    ):
        layer.set_weights(list(weights))
    elif len(made) != len(weights):
        raise ValueError(
            f"the layer {layer.name!r} has {len(made)} weights, not "
            f"{len(weights)}"
        )


def given(array: np.ndarray) -> Any:
    """An initializer that knows the result."""

    def initializer(shape: tuple[int, ...], dtype: str) -> Any:
        # PyTorch would train in the array, which may be another layer's too.
        own = keras.backend.backend() == "torch"
        return keras.ops.convert_to_tensor(
            array.copy() if own else array, dtype
        )

    return initializer
