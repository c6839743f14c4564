"""Layers that join blobs, part them, or pass them on."""

from itertools import pairwise

import keras

from keras_hypersphere.tools.caffe.emission import Emission, Tensor
from keras_hypersphere.tools.caffe.registry import register_layer

PROD, SUM, MAX = 0, 1, 2


@register_layer("Eltwise")
def eltwise(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Add` with coefficients, `Multiply`, `Maximum`; equal shapes only."""
    settings = layer.parameter.eltwise_param
    if len(inputs) < 2:
        layer.fail(f"has {len(inputs)} bottoms; it takes two or more")
    shapes = {tuple(x.shape) for x in inputs}
    if len(shapes) > 1:
        layer.fail(
            "its bottoms have different shapes (channels last): "
            + ", ".join(map(str, sorted(shapes, key=str)))
        )
    if settings.coeff and (
        settings.operation != SUM or len(settings.coeff) != len(inputs)
    ):
        layer.fail("`coeff` takes one number for each bottom of a SUM")
    if any(factor != 1 for factor in settings.coeff):
        inputs = [
            layer.add(keras.layers.Rescaling, x, f"coeff{i}", scale=factor)
            if factor != 1
            else x
            for i, (x, factor) in enumerate(
                zip(inputs, settings.coeff, strict=True)
            )
        ]
    merge = {
        PROD: keras.layers.Multiply,
        SUM: keras.layers.Add,
        MAX: keras.layers.Maximum,
    }[settings.operation]
    return layer.add(merge, inputs)


@register_layer("Concat")
def concat(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Concatenate` along any axis but the batch."""
    if not inputs:
        layer.fail("has no bottoms")
    settings = layer.parameter.concat_param
    if settings.HasField("concat_dim") and settings.HasField("axis"):
        layer.fail("gives `axis` and `concat_dim`; give one of them")
    old = settings.HasField("concat_dim")
    axis = layer.axis(settings.concat_dim if old else settings.axis, inputs[0])
    if axis == 0:
        layer.unsupported("joining along the batch is not supported")
    rest = {
        (*x.shape[:axis], *x.shape[axis + 1 :], len(x.shape)) for x in inputs
    }
    if len(rest) > 1:
        layer.fail("its bottoms differ in more than the axis that is joined")
    if len(inputs) == 1:
        return layer.label(inputs[0])
    return layer.add(keras.layers.Concatenate, inputs, axis=axis)


@register_layer("Slice")
def slice_layer(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """`ops.split` along any axis but the batch."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.slice_param
    if settings.HasField("slice_dim") and settings.HasField("axis"):
        layer.fail("gives `axis` and `slice_dim`; give one of them")
    old = settings.HasField("slice_dim")
    axis = layer.axis(settings.slice_dim if old else settings.axis, x)
    if axis == 0:
        layer.unsupported("parting the batch is not supported")
    size, parts = x.shape[axis], len(layer.parameter.top)
    points = list(settings.slice_point)
    if not points:
        if parts < 1 or size % parts:
            layer.fail(f"{parts} tops do not divide an axis of {size}")
        points = list(range(size // parts, size, size // parts))
    edges = [0, *points, size]
    if len(points) != parts - 1 or any(a >= b for a, b in pairwise(edges)):
        layer.fail(
            f"`slice_point` must be {parts - 1} rising numbers between 0 and "
            f"{size}. Received: {points}"
        )
    if parts == 1:
        return [layer.label(x)]
    pieces = layer.compute(keras.ops.split, x, points, axis=axis, part="split")
    return [
        layer.label(piece, f"top{index}" if index else "")
        for index, piece in enumerate(pieces)
    ]


@register_layer("Split")
def split(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """The bottom, under each of its names."""
    x = layer.expect(inputs, 1)
    return [
        layer.label(x, f"top{index}" if index else "")
        for index in range(len(layer.parameter.top))
    ]


@register_layer("Silence")
def silence(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """Nothing: it only keeps a blob from being an output."""
    return []
