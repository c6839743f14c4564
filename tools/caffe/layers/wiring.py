"""Layers that join blobs, part them, or pass them on."""

from itertools import pairwise
from typing import Any

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

PROD, SUM, MAX = 0, 1, 2


def named_axis(layer: ReferenceLayer, settings: Any, old: str) -> int:
    """`axis`, or the setting that stood for it before 2015."""
    return getattr(settings, old if settings.HasField(old) else "axis")


def eltwise_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """A sum with coefficients, a product, or the largest."""
    settings = layer.parameter.eltwise_param
    if len({x.shape for x in bottoms}) > 1:
        layer.fail("its bottoms have different shapes")
    made: Any = bottoms[0]
    if settings.operation == SUM:
        factors = settings.coeff or [1] * len(bottoms)
        made = 0.0
        for x, factor in zip(bottoms, factors, strict=True):
            made = made + factor * x
    for x in bottoms[1:]:
        if settings.operation == PROD:
            made = made * x
        elif settings.operation == MAX:
            made = np.maximum(made, x)
    return made


@register_layer(
    "Eltwise",
    reference=eltwise_reference,
    passes_labels=True,
    keeps_channels=True,
    refused={"eltwise_param.operation=SORT": "sorts"},
)
def eltwise(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Add` with coefficients, `Multiply`, `Maximum`; equal shapes only."""
    settings = layer.parameter.eltwise_param
    if len(inputs) < 2:
        layer.fail(f"has {len(inputs)} bottoms; it takes two or more")
    # The batch may be known for some of them only.
    shapes = {(len(x.shape), *x.shape[1:]) for x in inputs}
    if len(shapes) > 1:
        layer.fail(
            "its bottoms have different shapes (channels last): "
            + ", ".join(sorted({str(tuple(x.shape)) for x in inputs}))
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


def concat_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Joined along an axis."""
    settings = layer.parameter.concat_param
    return np.concatenate(bottoms, named_axis(layer, settings, "concat_dim"))


@register_layer(
    "Concat",
    reference=concat_reference,
    passes_labels=True,
    refused={"concat_param.per_fla_fuse": "permutes and flattens its bottoms"},
)
def concat(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Concatenate` along any axis, the batch among them."""
    if not inputs:
        layer.fail("has no bottoms")
    settings = layer.parameter.concat_param
    if settings.HasField("concat_dim") and settings.HasField("axis"):
        layer.fail("gives `axis` and `concat_dim`; give one of them")
    old = settings.HasField("concat_dim")
    axis = layer.axis(settings.concat_dim if old else settings.axis, inputs[0])
    # The batch may be known for some of them only.
    rest = {
        (*x.shape[1:axis], *x.shape[axis + 1 :], len(x.shape)) for x in inputs
    }
    if len(rest) > 1:
        layer.fail("its bottoms differ in more than the axis that is joined")
    if len(inputs) == 1:
        return layer.label(inputs[0])
    return layer.add(keras.layers.Concatenate, inputs, axis=axis)


def slice_layer_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """Parted along an axis, at points or evenly."""
    (x,) = bottoms
    settings = layer.parameter.slice_param
    axis = named_axis(layer, settings, "slice_dim")
    where = list(settings.slice_point) or len(layer.parameter.top)
    return np.split(x, where, axis)


@register_layer("Slice", reference=slice_layer_reference, passes_labels=True)
def slice_layer(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """`ops.split` along any axis; a batch of any size in equal parts."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.slice_param
    if settings.HasField("slice_dim") and settings.HasField("axis"):
        layer.fail("gives `axis` and `slice_dim`; give one of them")
    old = settings.HasField("slice_dim")
    axis = layer.axis(settings.slice_dim if old else settings.axis, x)
    size, parts = x.shape[axis], len(layer.parameter.top)
    points = list(settings.slice_point)
    if parts < 1 or (size and not points and size % parts):
        layer.fail(f"{parts} tops do not divide an axis of {size}")
    if parts == 1 and not points:
        return [layer.label(x)]
    # The size of the batch is not known; it is that of the last edge.
    edges = [0, *points, *([size] if size else [])]
    if points and (
        len(points) != parts - 1 or any(a >= b for a, b in pairwise(edges))
    ):
        layer.fail(
            f"`slice_point` must be {parts - 1} rising numbers between 0 and "
            f"{size or 'the batch'}. Received: {points}"
        )
    try:
        pieces = layer.compute(
            keras.ops.split, x, points or parts, axis=axis, part="split"
        )
    except TypeError:
        # Keras 3.12 reckons with the size of the batch, which is free.
        layer.unsupported("cutting the batch at points needs Keras 3.13")
    return [
        layer.label(piece, f"top{index}" if index else "")
        for index, piece in enumerate(pieces)
    ]


def split_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """The bottom under each name."""
    return bottoms * len(layer.parameter.top)


@register_layer(
    "Split", reference=split_reference, passes_labels=True, keeps_channels=True
)
def split(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """The bottom, under each of its names."""
    x = layer.expect(inputs, 1)
    return [
        layer.label(x, f"top{index}" if index else "")
        for index in range(len(layer.parameter.top))
    ]


def silence_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """Nothing."""
    return []


@register_layer("Silence", reference=silence_reference)
def silence(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """Nothing: it only keeps a blob from being an output."""
    return []


def tile_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The bottom several times along an axis."""
    (x,) = bottoms
    settings = layer.parameter.tile_param
    return np.concatenate([x] * settings.tiles, settings.axis)


@register_layer("Tile", reference=tile_reference)
def tile(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.tile` along any axis."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.tile_param
    axis = layer.axis(settings.axis, x)
    if settings.tiles < 1:
        layer.fail("`tiles` must be given, and positive")
    repeats = [1] * len(x.shape)
    repeats[axis] = settings.tiles
    return layer.label(layer.compute(keras.ops.tile, x, repeats, part="tile"))


def batch_reindex_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """The samples that the second bottom numbers."""
    x, numbers = bottoms
    return x[numbers.astype(int)]


@register_layer("BatchReindex", reference=batch_reindex_reference)
def batch_reindex(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.take`: samples of the first bottom, as the second numbers them."""
    x, numbers = layer.expect(inputs, 2)
    if len(numbers.shape) != 1:
        layer.fail(
            f"takes a list of numbers; bottom 1 has {len(numbers.shape)} axes"
        )
    numbers = layer.compute(keras.ops.cast, numbers, "int32", part="numbers")
    return layer.label(
        layer.compute(keras.ops.take, x, numbers, axis=0, part="take")
    )
