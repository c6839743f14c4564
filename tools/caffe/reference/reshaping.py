"""Layers that arrange the same numbers anew."""

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]


@register_reference("Flatten")
def flatten(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """A range of axes as one."""
    (x,) = bottoms
    settings = layer.parameter.flatten_param
    start = layer.axis(settings.axis, x)
    end = layer.axis(settings.end_axis, x)
    return x.reshape(*x.shape[:start], -1, *x.shape[end + 1 :])


@register_reference("Reshape")
def reshape(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """0 copies an axis, -1 is what is left; only `num_axes` axes change."""
    (x,) = bottoms
    settings = layer.parameter.reshape_param
    start = settings.axis
    if start < 0:
        start += x.ndim + 1
    end = x.ndim if settings.num_axes == -1 else start + settings.num_axes
    sizes = [
        size or x.shape[start + index]
        for index, size in enumerate(settings.shape.dim)
    ]
    return x.reshape(*x.shape[:start], *sizes, *x.shape[end:])


@register_reference("Permute")
def permute(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Axes that are not named follow in their order."""
    (x,) = bottoms
    order = list(layer.parameter.permute_param.order)
    order += [axis for axis in range(x.ndim) if axis not in order]
    return x.transpose(order)


@register_reference("Crop")
def crop(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_reference("Tile")
def tile(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The bottom several times along an axis."""
    (x,) = bottoms
    settings = layer.parameter.tile_param
    return np.concatenate([x] * settings.tiles, settings.axis)


@register_reference("Flip")
def flip(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_reference("ShuffleChannel")
def shuffle_channel(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The first channel of each group, then the second of each, and so on."""
    (x,) = bottoms
    group = layer.parameter.shuffle_channel_param.group
    parted = x.reshape(len(x), group, x.shape[1] // group, *x.shape[2:])
    return parted.swapaxes(1, 2).reshape(x.shape)
