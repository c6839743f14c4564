"""Layers that make a map larger or smaller."""

from typing import Any

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]


def interp_size(settings: Any, size: int, name: str) -> int:
    """A side of the map that Interp makes, of a side of the cropped one."""
    if getattr(settings, name):
        return getattr(settings, name)
    if settings.shrink_factor > 1:
        size = (size - 1) // settings.shrink_factor + 1
    if settings.zoom_factor > 1:
        size += (size - 1) * (settings.zoom_factor - 1)
    return size


def stretch(x: np.ndarray, axis: int, size: int) -> np.ndarray:
    """Linear between cells; the first and the last stay at the ends."""
    length = x.shape[axis]
    step = (length - 1) / (size - 1) if size > 1 else 0.0
    places = step * np.arange(size)
    left = np.minimum(places.astype(int), length - 1)
    right = np.minimum(left + 1, length - 1)
    share = (places - left).reshape(-1, *[1] * (x.ndim - 1 - axis))
    return (1 - share) * x.take(left, axis) + share * x.take(right, axis)


@register_reference("Interp")
def interp(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Bilinear; negative padding crops first."""
    x = bottoms[0]
    settings = layer.parameter.interp_param
    start, end = -settings.pad_beg, settings.pad_end or None
    x = x[:, :, start:end, start:end]
    if len(bottoms) > 1:
        sizes = bottoms[1].shape[2:]
    else:
        sizes = tuple(
            interp_size(settings, size, name)
            for size, name in zip(x.shape[2:], ("height", "width"), strict=True)
        )
    return stretch(stretch(x, 2, sizes[0]), 3, sizes[1])


@register_reference("Upsample")
def upsample(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Each value to its cell of a mask, or to all cells of a square."""
    x = bottoms[0]
    settings = layer.parameter.upsample_param
    scale = [
        getattr(settings, name)
        if name in settings.DESCRIPTOR.fields_by_name
        and settings.HasField(name)
        else settings.scale
        for name in ("scale_h", "scale_w")
    ]
    if len(bottoms) == 1:
        return x.repeat(scale[0], 2).repeat(scale[1], 3)
    height = settings.upsample_h or (
        x.shape[2] * scale[0] - int(settings.pad_out_h)
    )
    width = settings.upsample_w or (
        x.shape[3] * scale[1] - int(settings.pad_out_w)
    )
    made = np.zeros((*x.shape[:2], height * width))
    places = bottoms[1].reshape(*x.shape[:2], -1).astype(int)
    np.put_along_axis(made, places, x.reshape(places.shape), 2)
    return made.reshape(*x.shape[:2], height, width)
