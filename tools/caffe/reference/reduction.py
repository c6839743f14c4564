"""Layers that make few numbers of many."""

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]
SUM, ASUM, SUMSQ, MEAN = 1, 2, 3, 4


@register_reference("Reduction")
def reduction(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_reference("ArgMax")
def argmax(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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
