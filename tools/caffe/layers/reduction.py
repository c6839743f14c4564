"""Layers that make one number of many: sums, and the largest."""

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    KERAS_AXES,
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.layers.reshaping import reshape
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

SUM, ASUM, SUMSQ, MEAN = 1, 2, 3, 4


def reduction_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The sum, of values, sizes or squares, or the mean, of trailing axes."""
    (x,) = bottoms
    settings = layer.parameter.reduction_param
    lead = x.shape[: layer.axis(settings.axis, x)]
    x = x.reshape(*lead, -1)
    if settings.operation == ASUM:
        x = np.abs(x)
    elif settings.operation == SUMSQ:
        x = np.square(x)
    made = x.mean(-1) if settings.operation == MEAN else x.sum(-1)
    return made * settings.coeff


@register_layer("Reduction", reference=reduction_reference)
def reduction(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.sum` or `ops.mean` of all axes from `axis` on; SUM to MEAN."""
    x = layer.expect(inputs, 1)
    settings, rank = layer.parameter.reduction_param, len(x.shape)
    layer.axis(settings.axis, x)
    first = settings.axis % rank
    if settings.operation == ASUM:
        x = layer.compute(keras.ops.absolute, x, part="abs")
    elif settings.operation == SUMSQ:
        x = layer.compute(keras.ops.square, x, part="square")
    axes = list(range(first, rank))
    if rank == 4:
        axes = [KERAS_AXES[axis] for axis in axes]
    total = keras.ops.mean if settings.operation == MEAN else keras.ops.sum
    x = layer.compute(total, x, axis=axes, part="total")
    if rank == 4 and first == 3:
        # What is left of N, H, W, C is N, H, C.
        x = layer.add(keras.layers.Permute, x, "nch", dims=(2, 1))
    if settings.coeff != 1:
        x = layer.compute(keras.ops.multiply, x, settings.coeff, part="coeff")
    return layer.label(x)


def argmax_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Places of the largest values; of equal ones the later is first."""
    (x,) = bottoms
    settings = layer.parameter.argmax_param
    count = settings.top_k
    along_axis = settings.HasField("axis")
    axis = layer.axis(settings.axis, x) if along_axis else 1
    rows = np.moveaxis(x, axis, -1) if along_axis else x.reshape(len(x), -1)
    places = (
        rows.shape[-1]
        - 1
        - np.argsort(-rows[..., ::-1], axis=-1, kind="stable")
    )
    places = places[..., :count]
    values = np.take_along_axis(rows, places, -1)
    places = places.astype(np.float64)
    if along_axis:
        return np.moveaxis(values if settings.out_max_val else places, -1, axis)
    parts = [places, values] if settings.out_max_val else [places]
    made = np.stack(parts, 1)
    return made.reshape(*made.shape, *[1] * (x.ndim - 3))


@register_layer("ArgMax", reference=argmax_reference)
def argmax(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.argsort`: places or values of the `top_k` largest."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.argmax_param
    if not settings.HasField("axis"):
        return of_samples(layer, x)
    axis = layer.axis(settings.axis, x)
    if axis == 0:
        layer.unsupported("the largest of the batch is not supported")
    places, values = largest(layer, x, axis)
    return layer.label(values if settings.out_max_val else places)


def of_samples(layer: Emission, x: Tensor) -> Tensor:
    """The largest of all numbers of each sample.

    Caffe's top has as many axes as the bottom, at least 3: the batch, 1 (2
    with values), `top_k`, and 1.
    """
    settings, rank = layer.parameter.argmax_param, max(len(x.shape), 3)
    # Places count in Caffe's order.
    rows = flatten(layer, x, "flatten")
    tops = largest(layer, rows, 1)[: 2 if settings.out_max_val else 1]
    if settings.out_max_val:
        tops = (layer.compute(keras.ops.stack, tops, axis=1, part="stack"),)
    sizes = (1 + settings.out_max_val, settings.top_k) + (1,) * (rank - 3)
    return reshape(layer, tops[0], sizes)


def largest(layer: Emission, x: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Places, as floats, and values of the `top_k` largest along an axis."""
    count, size = layer.parameter.argmax_param.top_k, x.shape[axis]
    if not 1 <= count <= size:
        layer.fail(f"`top_k: {count}` must be from 1 to {size}")
    # Sorting keeps the order of equal values, and Caffe wants the last.
    x = layer.compute(keras.ops.flip, x, axis=axis, part="flip")
    falling = layer.compute(keras.ops.negative, x, part="falling")
    order = layer.compute(keras.ops.argsort, falling, axis=axis, part="sort")
    order = layer.compute(
        keras.ops.take, order, np.arange(count), axis=axis, part="first"
    )
    values = layer.compute(
        keras.ops.take_along_axis, x, order, axis=axis, part="values"
    )
    places = layer.compute(keras.ops.subtract, size - 1, order, part="places")
    places = layer.compute(keras.ops.cast, places, x.dtype, part="floats")
    return places, values
