"""What a conversion made, as far as `verify` must remember it."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np

from keras_hypersphere.tools.caffe.record import Record, name_map


@dataclass(frozen=True)
class Made:
    """A converted model without its arrays.

    Attributes:
        record: Its `name_map`.
        operations: The names of its Keras layers and operations.
        checksums: Of the weights of each Keras layer that has some.
    """

    record: Record
    operations: frozenset[str]
    checksums: dict[str, list[int]]

    @classmethod
    def of(cls, model: keras.Model) -> "Made":
        """What is to be remembered of a model that was just converted."""
        return cls(
            name_map(model),
            frozenset(operation.name for operation in model.operations),
            {layer.name: checksums(layer) for layer in model.layers},
        )

    def has_weights_of(self, model: keras.Model) -> bool:
        """Whether a model has these very weights, where files hold them.

        Layers that keep their fillers, and those that the model lacks, are
        passed over.
        """
        return all(
            checksums(layer) == self.checksums[layer.name]
            for layer in self.holders(model)
        )

    def holders(self, model: keras.Model) -> Iterator[keras.layers.Layer]:
        """The layers of a model that hold blobs of the files."""
        held = {
            name
            for layer in self.record["layers"]
            if not layer["filled"]
            for name in layer["holders"]
        }
        return (layer for layer in model.layers if layer.name in held)


def checksums(layer: keras.layers.Layer) -> list[int]:
    """One for each of its weights."""
    return [
        zlib.crc32(
            np.ascontiguousarray(keras.ops.convert_to_numpy(weight)).data.cast(
                "B"
            )
            if np.prod(weight.shape)
            else b""
        )
        for weight in layer.weights
        # A counter of steps is not the files'.
        if keras.backend.is_float_dtype(weight.dtype)
    ]
