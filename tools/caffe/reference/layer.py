"""What a reference function sees of a layer."""

from collections.abc import Sequence
from typing import NoReturn

import numpy as np

from keras_hypersphere.caffe_format.custom_layers import with_own
from keras_hypersphere.caffe_format.schema import (
    FillerParameter,
    LayerParameter,
)

Bottoms = list[np.ndarray]


class NoReference(Exception):
    """The reference cannot say what a layer computes."""


class ReferenceLayer:
    """One layer with its parameters and its learned blobs.

    Args:
        parameter: The layer as the prototxt has it.
        blobs: What the model holds for it, or None.
        training: Whether the network's phase is TRAIN. The reference is of
            what the converted model answers without `training`.

    Attributes:
        parameter: The layer's message: `layer.parameter.relu_param`.
        name, type: Caffe's.
        blobs: The blobs as stored, or None if the model lacks the layer.
        training: Whether the network's phase is TRAIN.
    """

    def __init__(
        self,
        parameter: LayerParameter,
        blobs: Sequence[np.ndarray] | None = None,
        training: bool = False,
    ) -> None:
        self.parameter = with_own(parameter)
        self.name = parameter.name
        self.type = parameter.type
        self.blobs = blobs
        self.training = training

    def blob(
        self,
        index: int,
        shape: tuple[int, ...],
        filler: FillerParameter | None = None,
    ) -> np.ndarray:
        """A learned blob, float64, in the shape that the layer declares.

        A layer that the model does not hold keeps its filler: a constant or
        bilinear weights. Random ones are known to nobody but the model.
        """
        if self.blobs is None:
            return self.filled(shape, filler or FillerParameter())
        if index >= len(self.blobs):
            self.fail(f"the model has no blob {index}")
        stored = np.asarray(self.blobs[index], np.float64)
        if stored.size != np.prod(shape, dtype=int):
            self.fail(f"blob {index} has the shape {stored.shape}, not {shape}")
        return stored.reshape(shape)

    def filled(
        self, shape: tuple[int, ...], filler: FillerParameter
    ) -> np.ndarray:
        """A blob as its filler leaves it."""
        if filler.type == "constant":
            return np.full(shape, filler.value, np.float64)
        if filler.type == "bilinear":
            size = shape[-1]
            step = -(-size // 2)
            # Lopsided for sizes of 3, 7, 11 …, as in Caffe.
            centre = (2 * step - 1 - step % 2) / (2 * step)
            ramp = 1 - abs(np.arange(size) / step - centre)
            return np.broadcast_to(np.outer(ramp, ramp), shape)
        self.fail(
            "its weights are random: the model holds none, and the filler is "
            f"{filler.type!r}"
        )

    def axis(self, axis: int, array: np.ndarray) -> int:
        """An axis that may be negative, counted from the front."""
        if not -array.ndim <= axis < array.ndim:
            self.fail(f"axis {axis} does not exist")
        return axis % array.ndim

    def fail(self, message: str) -> NoReturn:
        """Says why the layer's tops stay unchecked."""
        raise NoReference(message)
