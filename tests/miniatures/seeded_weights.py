"""Weights of noise, the same on every machine."""

import keras
import numpy as np

DTYPE = "float16"
# From and to, of each kind of weight but kernels. Statistics are not 0 and
# 1, so that leaving one out is seen.
RANGES = {
    "bias": (-0.3, 0.3),
    "alpha": (0.1, 0.4),
    "gamma": (0.5, 1.5),
    "beta": (-0.3, 0.3),
    "moving_mean": (-0.3, 0.3),
    "moving_variance": (0.5, 1.5),
}


def seeded_weights(
    model: keras.Model, seed: int, gain: float
) -> dict[str, np.ndarray]:
    """Makes up all weights of a model.

    Uniform noise takes no function that machines round differently.

    Args:
        model: Its weights are only looked at: paths and shapes.
        seed: Of the generator, which goes through the paths as sorted.
        gain: By how much a kernel widens the variance of what comes in.

    Returns:
        A float16 array for each path.
    """
    edges = {}
    for layer in model.layers:
        for weight in layer.weights:
            if weight.name == "kernel":
                edge = (3 * gain / inputs_of(layer)) ** 0.5
                edges[weight.path] = (-edge, edge)
            else:
                edges[weight.path] = RANGES[weight.name]
    shapes = {weight.path: tuple(weight.shape) for weight in model.weights}
    generator = np.random.default_rng(seed)
    return {
        path: generator.uniform(*edges[path], shapes[path]).astype(DTYPE)
        for path in sorted(shapes)
    }


def inputs_of(layer: keras.layers.Layer) -> int:
    """How many numbers a kernel adds up for one of its outputs."""
    shape = layer.kernel.shape
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return shape[0] * shape[1]
    return int(np.prod(shape[:-1]))
