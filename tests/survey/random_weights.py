"""A caffemodel of random weights that keep activations in range."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from keras_hypersphere.caffe_format import (
    NetParameter,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe.building.weights import Weights

Shapes = dict[str, list[tuple[int, ...]]]


class Zeros(Weights):
    """Gives each layer zeros, and notes what it asked for.

    Fillers would take seconds, and a file may hold more than they may make.

    Attributes:
        types: The type of each layer that asked.
    """

    def __init__(self, net: Any, file: str) -> None:
        super().__init__(None, net, file)
        self.types: dict[str, str] = {}

    def find(
        self, layer: str, type: str, shapes: Any, shared: Any = ()
    ) -> list[np.ndarray]:
        """Zeros of the shapes that the layer declares."""
        self.asked[layer] = self.asked.get(layer, []) + list(shapes)
        self.types[layer] = type
        return [np.zeros(shape, np.float32) for shape in shapes]

    def find_shared(self, users: Any) -> np.ndarray | None:
        """Zeros too: the first user has just said how many."""
        for layer, index in users:
            shapes = self.asked.get(layer, ())
            if index < len(shapes):
                return np.zeros(math.prod(shapes[index]), np.float32)
        return None


def write_weights(
    path: Path, weights: Zeros, seed: int, gain: float = 2.0
) -> None:
    """Writes a caffemodel with what the layers of a network asked for.

    Args:
        path: The file.
        weights: What was asked for.
        seed: Of the random numbers.
        gain: Variance of a kernel's sum; 2 keeps that of activations.
    """
    random = np.random.default_rng(seed)
    net = NetParameter()
    for name, shapes in weights.asked.items():
        type = weights.types[name]
        layer = net.layer.add(name=name, type=type)
        for index, shape in enumerate(shapes):
            values = draw(random, type, index, shape, gain)
            set_blob(layer.blobs.add(), values.astype(np.float32))
    write_caffemodel(net, path)


def draw(
    random: np.random.Generator,
    type: str,
    index: int,
    shape: tuple[int, ...],
    gain: float,
) -> np.ndarray:
    """One blob: He's for kernels, about 1 for factors, small for the rest.

    A variance is positive, and BatchNorm's third blob is what it divides by.
    """
    if type == "BatchNorm":
        if index == 0:
            return random.normal(0, 0.1, shape)
        return np.ones(shape) if index == 2 else random.uniform(0.5, 1.5, shape)
    size = math.prod(shape)
    if len(shape) < 2 or size == max(shape):
        # Slopes, factors and variances, or biases and means.
        factors = index == 0 or (type == "BN" and index == 3)
        if factors:
            return random.uniform(0.5, 1.5, shape)
        return random.normal(0, 0.1, shape)
    fan = size / (shape[1] if type == "Deconvolution" else shape[0])
    return random.standard_normal(shape, np.float32) * math.sqrt(gain / fan)
