"""Layers that leave out cells or change their order, and compute nothing."""

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    KERAS_AXES,
    Emission,
    Tensor,
    caffe_shape,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)


def crop_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The second bottom gives the sizes."""
    x, like = bottoms
    settings = layer.parameter.crop_param
    first = layer.axis(settings.axis, x)
    offsets = list(settings.offset) or [0]
    offsets = offsets * (x.ndim - first) if len(offsets) == 1 else offsets
    places = tuple(
        slice(offset, offset + size)
        for offset, size in zip(offsets, like.shape[first:], strict=True)
    )
    made = x[(slice(None),) * first + places]
    if made.shape[first:] != like.shape[first:]:
        layer.fail("the crop reaches over the bottom")
    return made


@register_layer("Crop", reference=crop_reference)
def crop(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Cropping2D`, and `ops.split` for channels; not along the batch."""
    x, like = layer.expect(inputs, 2)
    settings, rank = layer.parameter.crop_param, len(x.shape)
    layer.axis(settings.axis, x)
    start, offsets = settings.axis % rank, list(settings.offset)
    if start == 0:
        layer.unsupported("cropping the batch is not supported")
    if len(like.shape) < rank:
        layer.fail(f"bottom 1 has fewer axes than the {rank} of bottom 0")
    if len(offsets) > 1 and len(offsets) != rank - start:
        layer.fail(
            f"gives {len(offsets)} offsets for {rank - start} axes; give one, "
            "or one for each"
        )
    sizes, kept = caffe_shape(x), caffe_shape(like)
    cuts = {}
    for place, axis in enumerate(range(start, rank)):
        before = offsets[place % len(offsets)] if offsets else 0
        after = sizes[axis] - before - kept[axis]
        if after < 0:
            layer.fail(
                f"axis {axis}: {kept[axis]} cells from offset {before} do not "
                f"lie in the {sizes[axis]} of bottom 0"
            )
        cuts[KERAS_AXES[axis] if rank == 4 else axis] = before, after
    if rank != 4:
        for axis, (before, after) in cuts.items():
            x = cut(layer, x, axis, before, after)
        return layer.label(x)
    x = cut(layer, x, 3, *cuts.get(3, (0, 0)))
    cropping = cuts.get(1, (0, 0)), cuts.get(2, (0, 0))
    return layer.add(keras.layers.Cropping2D, x, cropping=cropping)


def cut(
    layer: Emission, x: Tensor, axis: int, before: int, after: int
) -> Tensor:
    """Leaves out what lies before and after along one axis."""
    size = x.shape[axis]
    edges = [edge for edge in (before, size - after) if 0 < edge < size]
    if not edges:
        return x
    pieces = layer.compute(keras.ops.split, x, edges, axis=axis, part="cut")
    return pieces[1 if before else 0]


def flip_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Mirrored, along the width unless told otherwise."""
    (x,) = bottoms
    settings = layer.parameter.flip_param
    axes = [
        axis
        for axis, wanted in (
            (2, settings.flip_height),
            (3, settings.flip_width),
        )
        if wanted
    ]
    return np.flip(x, tuple(axes))


@register_layer("Flip", reference=flip_reference)
def flip(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.flip`: columns (`flip_width`), rows (`flip_height`), or both."""
    x = layer.expect(inputs, 1)
    if len(x.shape) > 4:
        layer.fail(f"takes at most 4 axes; its bottom has {len(x.shape)}")
    settings = layer.parameter.flip_param
    for axis, flipped in ((2, settings.flip_height), (3, settings.flip_width)):
        # Axes that the bottom lacks count as one cell.
        if flipped and axis < len(x.shape):
            axis = layer.axis(axis, x)
            x = layer.compute(keras.ops.flip, x, axis=axis, part="flip")
    return layer.label(x)


def shuffle_channel_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """The first channel of each group, then the second of each, and so on."""
    (x,) = bottoms
    group = layer.parameter.shuffle_channel_param.group
    parted = x.reshape(len(x), group, x.shape[1] // group, *x.shape[2:])
    return parted.swapaxes(1, 2).reshape(x.shape)


@register_layer("ShuffleChannel", reference=shuffle_channel_reference)
def shuffle_channel(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Reshape`, `Permute`, `Reshape`: channels of groups take turns."""
    x = layer.expect(inputs, 1, rank=4)
    _, height, width, channels = x.shape
    groups = layer.parameter.shuffle_channel_param.group
    if groups < 1 or channels % groups:
        layer.fail(f"`group: {groups}` must divide {channels} channels")
    x = layer.add(
        keras.layers.Reshape,
        x,
        "groups",
        target_shape=(height, width, groups, channels // groups),
    )
    x = layer.add(keras.layers.Permute, x, "turns", dims=(1, 2, 4, 3))
    return layer.add(
        keras.layers.Reshape, x, target_shape=(height, width, channels)
    )
