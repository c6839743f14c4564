"""What the float64 references of several layer types share."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

# Forks' names of a convolution with a group for each channel.
DEPTHWISE = ("ConvolutionDepthwise", "DepthwiseConvolution")


def spatial(
    layer: ReferenceLayer, name: str, axes: int, default: int | None
) -> tuple[int, ...]:
    """A setting of each spatial axis, in any of Caffe's spellings."""
    settings = layer.parameter.convolution_param
    short = name.replace("_size", "")
    sides = [f"{short}_h", f"{short}_w"]
    if name != "dilation" and any(settings.HasField(side) for side in sides):
        return tuple(getattr(settings, side) for side in sides)
    listed = list(getattr(settings, name))
    if not listed and default is None:
        layer.fail(f"has no `{name}`")
    listed = listed or [default]
    return tuple(listed if len(listed) == axes else listed[:1] * axes)


class Geometry:
    """Sizes of a convolution, and its weights by group and kernel cell."""

    def __init__(
        self, layer: ReferenceLayer, x: np.ndarray, turned: bool
    ) -> None:
        settings = layer.parameter.convolution_param
        axis = layer.axis(settings.axis, x)
        self.lead, self.sizes = x.shape[:axis], x.shape[axis + 1 :]
        axes = len(self.sizes)
        self.kernel = spatial(layer, "kernel_size", axes, None)
        self.pad = spatial(layer, "pad", axes, 0)
        self.stride = spatial(layer, "stride", axes, 1)
        self.dilation = spatial(layer, "dilation", axes, 1)
        self.groups, self.filters = settings.group, settings.num_output
        channels = x.shape[axis]
        if layer.type in DEPTHWISE:
            self.groups = channels
        first, second = channels, self.filters
        if not turned:
            first, second = second, first
        weights = layer.blob(
            0,
            (first, second // self.groups, *self.kernel),
            settings.weight_filler,
        )
        self.weights = weights.reshape(
            self.groups, first // self.groups, *weights.shape[1:]
        )
        self.bias = None
        if settings.bias_term:
            self.bias = layer.blob(1, (self.filters,), settings.bias_filler)
        # Samples, groups, channels of a group, spatial axes.
        self.x = x.reshape(
            -1, self.groups, channels // self.groups, *self.sizes
        )

    def cells(
        self, counts: tuple[int, ...]
    ) -> Iterator[tuple[np.ndarray, tuple[Any, ...]]]:
        """Each kernel cell, and where it lies for all places of an output."""
        for cell in np.ndindex(*self.kernel):
            yield (
                self.weights[(..., *cell)],
                tuple(
                    slice(c * d, c * d + (n - 1) * s + 1, s)
                    for c, d, n, s in zip(
                        cell, self.dilation, counts, self.stride, strict=True
                    )
                ),
            )

    def finish(self, made: np.ndarray) -> np.ndarray:
        """Joins the groups, and adds the bias."""
        sizes = made.shape[3:]
        made = made.reshape(-1, self.filters, *sizes)
        if self.bias is not None:
            made = made + self.bias.reshape(-1, *[1] * len(sizes))
        return made.reshape(*self.lead, self.filters, *sizes)


def product(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A matrix for each group, times all places."""
    flat = x.reshape(*x.shape[:3], -1)
    made = np.matmul(weights, flat)
    return made.reshape(*made.shape[:3], *x.shape[3:])


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


ONE = FillerParameter(value=1)


MAX, AVE, STOCHASTIC = 0, 1, 2


LOWEST = -float(np.finfo(np.float32).max)


def windows(
    size: int, kernel: int, pad: int, stride: int, floor: bool = False
) -> list[tuple[int, int, int]]:
    """Start, end, and the length that AVE divides by, of each window.

    The length counts padding, and is not cut off at zero: Caffe subtracts.
    """
    steps = (size + 2 * pad - kernel) / stride
    count = int(np.floor(steps) if floor else np.ceil(steps)) + 1
    if pad and (count - 1) * stride >= size + pad:
        count -= 1
    found = []
    for index in range(count):
        start = index * stride - pad
        length = min(start + kernel, size + pad) - start
        first, last = max(start, 0), min(start + kernel, size)
        found.append((min(first, size), max(last, min(first, size)), length))
    return found


def pool(
    x: np.ndarray,
    kernel: tuple,
    pad: tuple,
    stride: tuple,
    average: bool,
    floor: bool = False,
) -> np.ndarray:
    """MAX or AVE over the last two axes; one axis after the other."""
    for axis, k, p, s in zip((-2, -1), kernel, pad, stride, strict=True):
        x = np.moveaxis(x, axis, 0)
        rows = []
        for start, end, length in windows(len(x), k, p, s, floor):
            if average:
                rows.append(x[start:end].sum(0) / np.float64(length))
            else:
                rows.append(x[start:end].max(0, initial=LOWEST))
        x = np.moveaxis(np.stack(rows), 0, axis)
    return x
