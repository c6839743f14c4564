"""Layers that see a blob as rows of numbers, in the order C, H, W."""

import math
from typing import Any

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]
# What Caffe adds to a sum of squares, on the CPU.
EPSILON = 1e-6


def rows_of(
    layer: ReferenceLayer, x: np.ndarray, axis: int
) -> tuple[np.ndarray, tuple[int, ...]]:
    """The blob as a matrix, and the axes that its rows stand for."""
    lead = x.shape[: layer.axis(axis, x)]
    return x.reshape(math.prod(lead), -1), lead


def unit_rows(weights: np.ndarray) -> np.ndarray:
    """Rows of length one."""
    squares = np.square(weights).sum(1, keepdims=True)
    return weights / np.sqrt(squares + EPSILON)


def kernel_of(
    layer: ReferenceLayer, bottoms: Bottoms, settings: Any, size: int
) -> np.ndarray:
    """The weights, K numbers for each output: own ones, or the second bottom.

    `normalize` changes the stored blob in place, whatever its shape stands
    for: with `transpose` it takes runs of K numbers that mean nothing.
    """
    units = settings.num_output
    shape = (size, units) if settings.transpose else (units, size)
    if len(bottoms) > 1:
        return bottoms[1].reshape(shape if units else (-1, size))
    kernel = layer.blob(0, shape, settings.weight_filler)
    if settings.normalize:
        kernel = unit_rows(kernel.reshape(units, size)).reshape(shape)
    return kernel


@register_reference("InnerProduct")
def inner_product(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Products with rows of weights, and a bias."""
    settings = layer.parameter.inner_product_param
    x, lead = rows_of(layer, bottoms[0], settings.axis)
    kernel = kernel_of(layer, bottoms, settings, x.shape[1])
    made = x @ (kernel if settings.transpose else kernel.T)
    if len(bottoms) > 2:
        made = made + bottoms[2].reshape(-1)
    elif len(bottoms) == 1 and settings.bias_term:
        made = made + layer.blob(1, made.shape[1:], settings.bias_filler)
    return made.reshape(*lead, -1)


@register_reference("InnerDistance")
def inner_distance(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Squared distances, or sums of absolute differences, to each row."""
    settings = layer.parameter.inner_distance_param
    x, lead = rows_of(layer, bottoms[0], settings.axis)
    kernel = kernel_of(layer, bottoms, settings, x.shape[1])
    # `transpose` declares another shape; the numbers are read as N x K.
    kernel = kernel.reshape(-1, x.shape[1])
    made = np.empty((len(x), len(kernel)))
    for row, feature in enumerate(x):
        difference = feature - kernel
        if settings.distance_type == "L1":
            made[row] = np.abs(difference).sum(1)
        else:
            made[row] = np.square(difference).sum(1)
    return made.reshape(*lead, -1)


@register_reference("Embed")
def embed(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The rows of a table that the bottom names."""
    (x,) = bottoms
    settings = layer.parameter.embed_param
    shape = (settings.input_dim, settings.num_output)
    made = layer.blob(0, shape, settings.weight_filler)[x.astype(int)]
    if settings.bias_term:
        made = made + layer.blob(1, shape[1:], settings.bias_filler)
    return made
