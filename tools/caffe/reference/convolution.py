"""Convolution and its transpose: a matrix product for each kernel cell."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]
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


@register_reference("ConvolutionDepthwise")
@register_reference("DepthwiseConvolution")
@register_reference("Convolution")
def convolution(layer: ReferenceLayer, bottoms: Bottoms) -> list[np.ndarray]:
    """Each cell of the kernel times the places it meets, added up."""
    tops = []
    for x in bottoms:
        g = Geometry(layer, x, turned=False)
        padded = np.pad(g.x, [(0, 0)] * 3 + [(p, p) for p in g.pad])
        counts = tuple(
            (n + 2 * p - (d * (k - 1) + 1)) // s + 1
            for n, p, d, k, s in zip(
                g.sizes, g.pad, g.dilation, g.kernel, g.stride, strict=True
            )
        )
        made: Any = 0.0
        for weights, places in g.cells(counts):
            made = made + product(weights, padded[(..., *places)])
        tops.append(g.finish(made))
    return tops


@register_reference("Deconvolution")
def deconvolution(layer: ReferenceLayer, bottoms: Bottoms) -> list[np.ndarray]:
    """Each value of the bottom adds its kernel to the top."""
    tops = []
    for x in bottoms:
        g = Geometry(layer, x, turned=True)
        counts = tuple(
            (n - 1) * s + d * (k - 1) + 1
            for n, d, k, s in zip(
                g.sizes, g.dilation, g.kernel, g.stride, strict=True
            )
        )
        made = np.zeros(
            (*g.x.shape[:2], g.filters // g.groups, *counts), np.float64
        )
        for weights, places in g.cells(g.sizes):
            made[(..., *places)] += product(np.swapaxes(weights, 1, 2), g.x)
        inner: tuple[Any, ...] = tuple(
            slice(p, n - p) for p, n in zip(g.pad, counts, strict=True)
        )
        tops.append(g.finish(made[(..., *inner)]))
    return tops


@register_reference("Im2col")
def im2col(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The cells under each place of a kernel, as channels."""
    (x,) = bottoms
    kernel, pad, stride, dilation = (
        spatial(layer, name, 2, default)
        for name, default in (
            ("kernel_size", None),
            ("pad", 0),
            ("stride", 1),
            ("dilation", 1),
        )
    )
    x = np.pad(x, [(0, 0)] * 2 + [(p, p) for p in pad])
    rows, columns = (
        (x.shape[2 + i] - (dilation[i] * (kernel[i] - 1) + 1)) // stride[i] + 1
        for i in (0, 1)
    )
    made = np.empty((*x.shape[:2], *kernel, rows, columns))
    for i, j in np.ndindex(*kernel):
        top, left = i * dilation[0], j * dilation[1]
        made[:, :, i, j] = x[
            :,
            :,
            top : top + (rows - 1) * stride[0] + 1 : stride[0],
            left : left + (columns - 1) * stride[1] + 1 : stride[1],
        ]
    return made.reshape(len(x), -1, rows, columns)
