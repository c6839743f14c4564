"""Layers that read a blob's numbers in Caffe's order, into other axes."""

import math
from typing import Any

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

# What Caffe's axes 2, 3 and 1 are in channels-last: H, W, C.
CHANNELS_LAST = (0, 2, 3, 1)


def reshape(
    layer: Emission, x: Tensor, sizes: tuple[int, ...], folds: bool = False
) -> Tensor:
    """The numbers in Caffe's order, in other axes.

    Args:
        layer: The layer; the result carries its name.
        x: Its bottom.
        sizes: Caffe's sizes of all axes but the first.
        folds: Whether the first axis takes other samples or parts of them
            in, so that it is no longer the batch.
    """
    if len(x.shape) == 4 and not ordered(x.shape[1:3], x.shape[3]):
        x = layer.add(keras.layers.Permute, x, "nchw", dims=(3, 1, 2))
    turned = len(sizes) == 3
    if turned:
        channels, *cells = sizes
        turned = not ordered(cells, channels)
        sizes = sizes if turned else (*cells, channels)
    part = "reshape" if turned else ""
    if folds:
        layer.batch = None
        x = layer.compute(keras.ops.reshape, x, (-1, *sizes), part="fold")
        x = x if turned else layer.label(x)
    else:
        x = layer.add(keras.layers.Reshape, x, part, target_shape=sizes)
    if turned:
        x = layer.add(keras.layers.Permute, x, dims=(2, 3, 1))
    return x


def ordered(cells: Any, channels: int) -> bool:
    """Whether channels-last has the numbers in Caffe's order."""
    return channels == 1 or math.prod(cells) == 1


def reshape_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """0 copies an axis, -1 is what is left; only `num_axes` axes change.

    A number for the first axis is the batch that the file was written for.
    """
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
    shape = [*x.shape[:start], *sizes, *x.shape[end:]]
    rest = shape[1:]
    if shape[0] > 0 and (-1 in rest or len(x) * math.prod(rest) == x.size):
        shape[0] = len(x)
    return x.reshape(shape)


@register_layer(
    "Reshape",
    reference=reshape_reference,
    passes_labels=True,
    refused={"reshape_param.pixelshuffler": "moves channels into the picture"},
)
def reshape_layer(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Permute` to C, H, W and `Reshape`; 0, -1, `axis` and `num_axes`."""
    x = layer.expect(inputs, 1)
    refuse_in_place(layer)
    first, *sizes = new_shape(layer, caffe_shape(x))
    count = math.prod(x.shape[1:])
    if None in sizes:
        layer.unsupported("moving the batch to another axis is not supported")
    known = math.prod(size for size in sizes if size != -1)
    if -1 in sizes:
        if first not in (None, layer.batch):
            layer.unsupported(
                f"`dim: {first}`, with a -1 after it, is not the batch of the "
                f"bottom (it is {layer.batch or 'no batch'}), and joins or "
                "parts samples; where one row for each sample is meant, write "
                "`dim: 0`"
            )
        if count % known:
            layer.fail(f"{known} does not divide the {count} of the bottom")
        sizes[sizes.index(-1)] = count // known
        known = count
    if known == count:
        # Also where the batch is written as a number.
        return reshape(layer, x, tuple(sizes))
    if first is None or (first > 0 and first * known % count):
        layer.fail(
            f"makes {known} numbers of the {count} that each sample of the "
            "bottom has; they must be as many"
        )
    if first > 0:
        layer.unsupported(
            f"`dim: {first}` for parts of the batch fixes it; write `dim: -1`"
        )
    if count % known and known % count:
        layer.unsupported(
            f"rows of {known} numbers out of samples of {count} are not "
            "supported"
        )
    return reshape(layer, x, tuple(sizes), folds=True)


def new_shape(
    layer: Emission, bottom: tuple[int | None, ...]
) -> list[int | None]:
    """The top's shape as the prototxt gives it, with 0 filled in.

    None is the batch, -1 an axis to infer.
    """
    settings = layer.parameter.reshape_param
    dims, rank = list(settings.shape.dim), len(bottom)
    start = settings.axis + (rank + 1 if settings.axis < 0 else 0)
    stop = rank if settings.num_axes == -1 else start + settings.num_axes
    if not 0 <= start <= stop <= rank or settings.num_axes < -1:
        layer.fail(
            f"`axis: {settings.axis}` with `num_axes: {settings.num_axes}` is "
            f"no range of the bottom's {rank} axes"
        )
    if dims.count(-1) > 1 or min(dims, default=0) < -1:
        layer.fail("a `dim` must be 0, positive, or -1, and -1 only once")
    for index, dim in enumerate(dims):
        if dim == 0:
            if start + index >= rank:
                layer.fail("`dim: 0` stands where the bottom has no axis")
            dims[index] = bottom[start + index]
    shape = [*bottom[:start], *dims, *bottom[stop:]]
    if not shape:
        layer.unsupported("a top without axes is not supported")
    return shape


def flatten_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """A range of axes as one."""
    (x,) = bottoms
    settings = layer.parameter.flatten_param
    start = layer.axis(settings.axis, x)
    end = layer.axis(settings.end_axis, x)
    return x.reshape(*x.shape[:start], -1, *x.shape[end + 1 :])


@register_layer("Flatten", reference=flatten_reference, passes_labels=True)
def flatten_layer(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Permute` to C, H, W and `Reshape`; any range of axes."""
    x = layer.expect(inputs, 1)
    refuse_in_place(layer)
    settings, shape = layer.parameter.flatten_param, caffe_shape(x)
    first, last = (
        axis % len(shape) if -len(shape) <= axis < len(shape) else -1
        for axis in (settings.axis, settings.end_axis)
    )
    if not 0 <= first <= last:
        layer.fail(
            f"`axis: {settings.axis}` to `end_axis: {settings.end_axis}` is no "
            f"range of the bottom's {len(shape)} axes"
        )
    if first == last:
        return layer.label(x)
    if first == 0:
        return reshape(layer, x, shape[last + 1 :], folds=True)
    joined = math.prod(shape[first : last + 1])
    return reshape(layer, x, (*shape[1:first], joined, *shape[last + 1 :]))


def refuse_in_place(layer: Emission) -> None:
    """As Caffe does: the blob would have two shapes."""
    if layer.parameter.bottom[0] == layer.parameter.top[0]:
        layer.fail("cannot work in place; give the top another name")


def permute_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Axes that are not named follow in their order."""
    (x,) = bottoms
    order = list(layer.parameter.permute_param.order)
    order += [axis for axis in range(x.ndim) if axis not in order]
    return x.transpose(order)


@register_layer("Permute", reference=permute_reference)
def permute(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Permute`; axes that are not named follow; the batch stays first."""
    x = layer.expect(inputs, 1)
    rank = len(x.shape)
    order = list(layer.parameter.permute_param.order)
    if len(set(order)) < len(order) or max(order, default=0) >= rank:
        layer.fail(
            f"`order` must name different axes from 0 to {rank - 1}. "
            f"Received: {order}"
        )
    order += [axis for axis in range(rank) if axis not in order]
    if order[0] != 0:
        layer.unsupported("moving the batch to another axis is not supported")
    if rank == 4:
        order = [KERAS_AXES[order[axis]] for axis in CHANNELS_LAST]
    if order == list(range(rank)):
        return layer.label(x)
    return layer.add(keras.layers.Permute, x, dims=tuple(order[1:]))
