"""Factors and offsets that are spread over a blob: Scale, Bias, Axpy."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.constraints.clip_range import ClipRange
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
    caffe_shape,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.factors_and_offsets import hold_affine
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

ONE = FillerParameter(type="constant", value=1)


def spread_reference(
    layer: ReferenceLayer,
    bottoms: Bottoms,
    settings: Any,
    filler: FillerParameter,
) -> np.ndarray:
    """Factors or offsets, with axes of length one where they are shared."""
    x = bottoms[0]
    if len(bottoms) > 1:
        values = bottoms[1]
        axis = layer.axis(settings.axis, x) if values.ndim else 0
    else:
        axis = layer.axis(settings.axis, x) if settings.num_axes else 0
        count = settings.num_axes
        end = x.ndim if count == -1 else axis + count
        values = layer.blob(0, x.shape[axis:end], filler)
    return values.reshape(*values.shape, *[1] * (x.ndim - axis - values.ndim))


def scale_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x times factors, own ones or the second bottom, and a bias."""
    settings = layer.parameter.scale_param
    filler = settings.filler if settings.HasField("filler") else ONE
    factors = spread_reference(layer, bottoms, settings, filler)
    if settings.HasField("min_value"):
        factors = np.maximum(factors, settings.min_value)
    if settings.HasField("max_value"):
        factors = np.minimum(factors, settings.max_value)
    made = bottoms[0] * factors
    if settings.bias_term:
        bias_reference = layer.blob(
            len(bottoms) % 2, np.squeeze(factors).shape, settings.bias_filler
        )
        made = made + bias_reference.reshape(factors.shape)
    return made


@register_layer(
    "Scale", reference=scale_reference, keeps_channels=True, is_one_layer=True
)
def scale(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`DepthwiseConv2D` of one cell, `EinsumDense`; two bottoms `Multiply`."""
    settings = layer.parameter.scale_param
    low, high = (
        getattr(settings, name) if settings.HasField(name) else None
        for name in ("min_value", "max_value")
    )
    clamped = low is not None or high is not None
    if len(inputs) == 2:
        if clamped:
            layer.unsupported("clamping another layer's blob is not supported")
        return scale_by_blob(layer, *inputs)
    x = layer.expect(inputs, 1)
    axes = own_axes(layer, x, settings.axis, settings.num_axes)
    shape = own_shape(layer, x, axes)
    filler = settings.filler if settings.HasField("filler") else ONE
    declared = [(shape, filler)]
    if settings.bias_term:
        declared.append((shape, settings.bias_filler))
    factors, bias = (*layer.blobs(*declared), None)[:2]
    if clamped:
        # Caffe changes the stored blob itself, as it first runs.
        factors = np.clip(factors, low, high).astype(np.float32)
    limit = ClipRange(low, high) if clamped and layer.training else None
    return hold_affine(layer, x, axes, factors, bias, limit)


def scale_by_blob(layer: Emission, x: Tensor, factors: Tensor) -> Tensor:
    """Two bottoms: only the bias is the layer's own."""
    settings = layer.parameter.scale_param
    part = "product" if settings.bias_term else ""
    x = join(layer, keras.layers.Multiply, keras.ops.multiply, x, factors, part)
    if not settings.bias_term:
        return x
    axes = own_axes(layer, x, settings.axis, len(factors.shape))
    return offset(layer, x, axes, settings.bias_filler)


def bias_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x plus offsets, own ones or the second bottom."""
    settings = layer.parameter.bias_param
    return bottoms[0] + spread_reference(
        layer, bottoms, settings, settings.filler
    )


@register_layer("Bias", reference=bias_reference, keeps_channels=True)
def bias(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """As Scale, with a factor of 1; two bottoms add."""
    settings = layer.parameter.bias_param
    if len(inputs) == 2:
        x, other = inputs
        # Keras on TensorFlow adds along another axis if sizes are equal; it
        # does not subtract so.
        other = layer.compute(keras.ops.negative, other, part="negative")
        return join(layer, keras.layers.Subtract, keras.ops.subtract, x, other)
    x = layer.expect(inputs, 1)
    axes = own_axes(layer, x, settings.axis, settings.num_axes)
    return offset(layer, x, axes, settings.filler)


def offset(
    layer: Emission, x: Tensor, axes: Sequence[int], filler: FillerParameter
) -> Tensor:
    """Adds a blob of the layer's own."""
    (values,) = layer.blobs((own_shape(layer, x, axes), filler))
    return hold_affine(layer, x, axes, np.ones_like(values), values)


def own_axes(layer: Emission, x: Tensor, axis: int, count: int) -> list[int]:
    """Caffe's axes that a blob of the layer spans: `count` from one on."""
    rank = len(x.shape)
    layer.axis(axis, x)
    first = axis % rank
    end = rank if count == -1 else first + count
    if count < -1 or end > rank:
        layer.fail(
            f"`num_axes: {count}` from axis {first} on; the bottom has {rank} "
            "axes (-1 stands for all that follow)"
        )
    return list(range(first, end))


def own_shape(
    layer: Emission, x: Tensor, axes: Sequence[int]
) -> tuple[int, ...]:
    """The shape of such a blob."""
    shape = [caffe_shape(x)[axis] for axis in axes]
    if shape and shape[0] is None:
        # Only the model knows for how many samples there are numbers.
        stored = layer.weights.shape(layer.name) or ()
        if len(stored) < len(shape):
            layer.unsupported(
                "`axis: 0` has numbers for each sample, and the model holds "
                "none; 1 leaves the batch free"
            )
        shape[0] = stored[-len(shape)]
    return tuple(shape)


def join(
    layer: Emission,
    layer_class: type[keras.layers.Layer],
    function: Any,
    x: Tensor,
    other: Tensor,
    part: str = "",
) -> Tensor:
    """Joins a blob with one that spans some of its axes.

    Args:
        layer: The layer.
        layer_class: What joins blobs that have the batch in common.
        function: What joins others.
        x, other: The bottoms.
        part: Names the result.
    """
    settings = getattr(layer.parameter, f"{layer.type.lower()}_param")
    axes = own_axes(layer, x, settings.axis, len(other.shape))
    for axis, size in zip(axes, caffe_shape(other), strict=True):
        expected = caffe_shape(x)[axis]
        if None not in (size, expected) and size != expected:
            layer.fail(
                f"axis {axis} of the first bottom has {expected} cells, and "
                f"the second bottom {size}"
            )
    other = spread(layer, x, other, axes)
    if axes[0] == 0:
        return layer.add(layer_class, [x, other], part)
    # A merging layer would take the second bottom's first axis for a batch.
    return layer.label(
        layer.compute(function, x, other, part=f"{part or 'join'}_op"), part
    )


def spread(
    layer: Emission, x: Tensor, other: Tensor, axes: Sequence[int]
) -> Tensor:
    """The other blob with an axis for each axis of `x`, of 1 where it has none.

    Its first axis need not be the batch.
    """
    if len(axes) == len(x.shape):
        return other
    if len(axes) == 4:
        other = layer.add(keras.layers.Permute, other, "nchw", dims=(3, 1, 2))
    places = [layer.axis(axis, x) for axis in axes]
    order = sorted(range(len(places)), key=places.__getitem__)
    if order != list(range(len(places))):
        other = layer.compute(
            keras.ops.transpose, other, order, part="transpose"
        )
    shape = [1] * len(x.shape)
    for place in places:
        shape[place] = x.shape[place]
    if axes[0] == 0:
        return layer.add(
            keras.layers.Reshape, other, "spread", target_shape=shape[1:]
        )
    return layer.compute(keras.ops.reshape, other, shape, part="spread")


def axpy_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """SENet's: factors of channels times one blob, plus another."""
    factors, x, y = bottoms
    return factors.reshape(*factors.shape[:2], 1, 1) * x + y


@register_layer("Axpy", reference=axpy_reference)
def axpy(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Multiply` and `Add`: a factor for each channel (SENet)."""
    a, x, y = layer.expect(inputs, 3)
    if x.shape != y.shape:
        layer.fail("its second and third bottom differ in shape")
    channels = caffe_shape(x)[1:2]
    sizes = caffe_shape(a)[1:]
    if len(a.shape) not in (2, 4) or sizes not in (channels, (*channels, 1, 1)):
        layer.fail(
            f"the first bottom must have the {channels} channels of the "
            f"second, and one cell for each; it is {caffe_shape(a)}"
        )
    if len(x.shape) != len(a.shape):
        if len(x.shape) == 4:
            shape = (1, 1, *channels)
        else:
            shape = (*channels, *[1] * (len(x.shape) - 2))
        a = layer.add(keras.layers.Reshape, a, "spread", target_shape=shape)
    x = layer.add(keras.layers.Multiply, [a, x], "product")
    return layer.add(keras.layers.Add, [x, y])
