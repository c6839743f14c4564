"""Blobs that several layers share: `param { name: "w" }`.

The first layer that names a blob owns it, and its filler fills it. A model
stores it with each layer that uses it, and Caffe copies layer after layer, so
that the last one in the file wins.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.weights import Weights

PERMISSIVE = 1
# Of these, layers that share a blob may give one value each at most.
MULTIPLIERS = ("lr_mult", "decay_mult")


@dataclass
class Owned:
    """A shared blob: who made it first, its values and its multipliers."""

    layer: str
    values: np.ndarray
    multipliers: dict[str, float]


class Sharing:
    """The shared blobs of one network, and the Keras layers that hold them.

    Args:
        users: Layers and numbers of their blobs, by the blob's name.
        weights: The model's blobs.
    """

    def __init__(
        self, users: Mapping[str, Sequence[tuple[str, int]]], weights: Weights
    ) -> None:
        self.users = users
        self.weights = weights
        self.owned: dict[str, Owned] = {}
        self.holders: list[tuple[Any, keras.layers.Layer, list]] = []

    def find(
        self,
        spec: Any,
        layer: str,
        shape: tuple[int, ...],
        fill: Callable[[], np.ndarray],
        fail: Callable[[str], NoReturn],
    ) -> np.ndarray:
        """The values of a shared blob.

        Args:
            spec: The blob's `param` message in the layer that asks.
            layer: Name of that layer.
            shape: What it declares.
            fill: Makes the values, if the model has none.
            fail: Raises an error.
        """
        owned = self.owned.get(spec.name)
        if owned is None:
            values = self.stored(spec.name, shape, fail)
            values = fill() if values is None else values
            owned = self.owned[spec.name] = Owned(layer, values, {})
        self.check(owned, spec, shape, fail)
        return owned.values.reshape(shape)

    def stored(
        self,
        name: str,
        shape: tuple[int, ...],
        fail: Callable[[str], NoReturn],
    ) -> np.ndarray | None:
        """What the last layer of the model that uses the blob holds."""
        values = self.weights.find_shared(self.users.get(name, ()))
        if values is not None and values.size != math.prod(shape):
            fail(
                f"declares the shared blob {name!r} as {shape}, and the model "
                f"holds {values.size} values of it; use the prototxt that "
                "belongs to the model"
            )
        return None if values is None else values.reshape(shape)

    def check(
        self,
        owned: Owned,
        spec: Any,
        shape: tuple[int, ...],
        fail: Callable[[str], NoReturn],
    ) -> None:
        """Caffe's conditions: equal shapes, or counts, and multipliers."""
        strict = spec.share_mode != PERMISSIVE
        expected = owned.values.shape
        if math.prod(expected) != math.prod(shape) or (
            strict and expected != shape
        ):
            fail(
                f"cannot share the blob {spec.name!r} with layer "
                f"{owned.layer!r}, which declares it as {expected}; here it "
                f"is {shape}"
            )
        for name in MULTIPLIERS:
            if not spec.HasField(name):
                continue
            value = getattr(spec, name)
            if owned.multipliers.setdefault(name, value) != value:
                fail(
                    f"gives the shared blob {spec.name!r} another `{name}` "
                    f"({value:g}) than a layer before it "
                    f"({owned.multipliers[name]:g})"
                )

    def find_holder(
        self, kind: Any, weights: Sequence[np.ndarray]
    ) -> keras.layers.Layer | None:
        """A Keras layer of the same kind and settings with these weights."""
        for other, layer, held in self.holders:
            if other == kind and all(map(np.array_equal, held, weights)):
                return layer
        return None

    def keep_holder(
        self,
        kind: Any,
        layer: keras.layers.Layer,
        weights: Sequence[np.ndarray],
    ) -> None:
        """Remembers a Keras layer for those that come later."""
        self.holders.append((kind, layer, list(weights)))
