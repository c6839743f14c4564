"""How many multiplications and additions a network takes, as papers count."""

import math

import keras


def multiply_adds(model: keras.Model) -> int:
    """Counts the multiplications of one image with weights.

    One multiplication with its addition counts once. Biases, activations,
    pooling and normalization are free, as in the tables of papers.

    Args:
        model: A network whose sizes are known.
    """
    return sum(map(layer_multiply_adds, model.layers))


def layer_multiply_adds(layer: keras.layers.Layer) -> int:
    """Of one layer: its kernel at each place of its output."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0
    return math.prod(kernel.shape) * math.prod(layer.output.shape[1:-1])
