"""Layers that make blobs larger or smaller: DeepLab's, SegNet's, U-Net's."""

from typing import Any

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.pooling import refuse_huge
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)


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


def interp_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_layer("Interp", reference=interp_reference)
def interp(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.take` and weights: bilinear, with the corners aligned."""
    by_blob = layer.parameter.interp_param.use_blob_size
    x, *sized = (
        layer.expect(inputs, 2, rank=4)
        if by_blob
        else [layer.expect(inputs, 1, rank=4)]
    )
    settings = layer.parameter.interp_param
    pads = settings.pad_beg, settings.pad_end
    if max(pads) > 0:
        layer.fail("`pad_beg` and `pad_end` crop: 0 or negative")
    sizes = [size + sum(pads) for size in x.shape[1:3]]
    if min(sizes) < 1:
        layer.fail("crops more than the bottom has")
    wanted = list(sized[0].shape[1:3]) if sized else new_sizes(layer, sizes)
    if min(wanted) < 1:
        layer.fail(f"makes a blob of {wanted[0]} x {wanted[1]} cells")
    refuse_huge(layer, *wanted)
    if any(pads):
        x = layer.add(
            keras.layers.Cropping2D,
            x,
            "crop",
            cropping=((-pads[0], -pads[1]),) * 2,
        )
    # Caffe weighs columns first, then rows.
    for axis in (2, 1):
        if sizes[axis - 1] != wanted[axis - 1]:
            x = blend(layer, x, axis, wanted[axis - 1])
    return layer.label(x)


def new_sizes(layer: Emission, sizes: list[int]) -> list[int]:
    """Height and width of the top; each of three ways to give them."""
    settings = layer.parameter.interp_param
    zoom, shrink = settings.zoom_factor, settings.shrink_factor
    scales = (
        settings.HasField("zoom_factor"),
        settings.HasField("shrink_factor"),
    )
    given = [settings.HasField(name) for name in ("height", "width")]
    if any(scales) == any(given) or any(given) != all(given):
        layer.fail(
            "takes `zoom_factor`, `shrink_factor` or both, or else `height` "
            "and `width`"
        )
    if all(given):
        return [settings.height, settings.width]
    if min(zoom, shrink) < 1:
        layer.fail("`zoom_factor` and `shrink_factor` must be positive")
    shrunk = [(size - 1) // shrink + 1 for size in sizes]
    return [size + (size - 1) * (zoom - 1) for size in shrunk]


def blend(layer: Emission, x: Tensor, axis: int, count: int) -> Tensor:
    """Linear interpolation along an axis, in Caffe's float arithmetic."""
    size = x.shape[axis]
    step = np.float32((size - 1) / (count - 1) if count > 1 else 0)
    places = step * np.arange(count, dtype=np.float32)
    before = places.astype(int)
    after = np.minimum(before + 1, size - 1)
    weight = places - before.astype(np.float32)
    shape = [1, 1, 1, 1]
    shape[axis] = count
    parts = []
    for lines, weights in ((before, 1 - weight), (after, weight)):
        part = layer.compute(keras.ops.take, x, lines, axis=axis, part="lines")
        weights = weights.reshape(shape)
        parts.append(
            layer.compute(keras.ops.multiply, part, weights, part="weigh")
        )
    return layer.compute(keras.ops.add, *parts, part="blend")


def upsample_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_layer("Upsample", reference=upsample_reference)
def upsample(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`UpSampling2D`; or, with Pooling's mask, each value at its place."""
    settings = layer.parameter.upsample_param
    if len(inputs) == 2:
        return unpool(layer, *layer.expect(inputs, 2, rank=4))
    x = layer.expect(inputs, 1, rank=4)
    others = ("scale_h", "scale_w", "upsample_h", "upsample_w")
    if any(settings.HasField(name) for name in others):
        layer.unsupported("with one bottom, only `scale` is supported")
    if settings.scale < 1:
        layer.fail("has no positive `scale`")
    return layer.add(keras.layers.UpSampling2D, x, size=settings.scale)


def unpool(layer: Emission, x: Tensor, mask: Tensor) -> Tensor:
    """Values at the places that the mask of a Pooling names, else 0."""
    windows = getattr(mask, "caffe_windows", None)
    if windows is None or any(
        w.count > 1 and w.stride < w.kernel for w in windows
    ):
        layer.unsupported(
            "takes the mask of a Pooling, straight from it, whose windows do "
            "not overlap"
        )
    if x.shape[1:] != mask.shape[1:]:
        layer.fail("its bottoms have different shapes")
    sizes = [window.size for window in windows]
    if unpooled_sizes(layer, x) != sizes:
        layer.unsupported(
            f"makes other cells than the {sizes[0]} x {sizes[1]} of the Pooling"
        )
    # Each cell looks into its window.
    for axis, window in zip((1, 2), windows, strict=True):
        lines = (np.arange(window.size) + window.pad) // window.stride
        lines = np.minimum(lines, window.count - 1)
        x, mask = (
            layer.compute(keras.ops.take, t, lines, axis=axis, part="lines")
            for t in (x, mask)
        )
    cells = np.arange(sizes[0] * sizes[1], dtype=np.float32)
    cells = cells.reshape(1, *sizes, 1)
    here = layer.compute(keras.ops.equal, mask, cells, part="here")
    return layer.label(
        layer.compute(keras.ops.where, here, x, 0.0, part="place")
    )


def unpooled_sizes(layer: Emission, x: Tensor) -> list[int]:
    """Height and width of the top, in SegNet's ways to give them."""
    settings, sizes = layer.parameter.upsample_param, []
    for axis, word in ((1, "h"), (2, "w")):
        if settings.upsample_h and settings.upsample_w:
            sizes.append(getattr(settings, f"upsample_{word}"))
            continue
        # SegNet's default is 2.
        scale = settings.scale if settings.HasField("scale") else 2
        scale = getattr(settings, f"scale_{word}") or scale
        cut = getattr(settings, f"pad_out_{word}")
        sizes.append(x.shape[axis] * scale - cut)
    return sizes
