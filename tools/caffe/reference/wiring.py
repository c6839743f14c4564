"""Layers that join blobs, part them, or pass them on."""

from typing import Any

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]
PROD, SUM, MAX = 0, 1, 2


def named_axis(layer: ReferenceLayer, settings: Any, old: str) -> int:
    """`axis`, or the setting that stood for it before 2015."""
    return getattr(settings, old if settings.HasField(old) else "axis")


@register_reference("Eltwise")
def eltwise(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_reference("Concat")
def concat(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Joined along an axis."""
    settings = layer.parameter.concat_param
    return np.concatenate(bottoms, named_axis(layer, settings, "concat_dim"))


@register_reference("Slice")
def slice_layer(layer: ReferenceLayer, bottoms: Bottoms) -> list[np.ndarray]:
    """Parted along an axis, at points or evenly."""
    (x,) = bottoms
    settings = layer.parameter.slice_param
    axis = named_axis(layer, settings, "slice_dim")
    where = list(settings.slice_point) or len(layer.parameter.top)
    return np.split(x, where, axis)


@register_reference("Split")
def split(layer: ReferenceLayer, bottoms: Bottoms) -> list[np.ndarray]:
    """The bottom under each name."""
    return bottoms * len(layer.parameter.top)


@register_reference("Silence")
def silence(layer: ReferenceLayer, bottoms: Bottoms) -> list[np.ndarray]:
    """Nothing."""
    return []


@register_reference("Axpy")
def axpy(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """SENet's: factors of channels times one blob, plus another."""
    factors, x, y = bottoms
    return factors.reshape(*factors.shape[:2], 1, 1) * x + y


@register_reference("Parameter")
def parameter(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The blob itself."""
    settings = layer.parameter.parameter_param
    return layer.blob(0, tuple(settings.shape.dim), settings.blob_filler)


@register_reference("BatchReindex")
def batch_reindex(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The samples that the second bottom numbers."""
    x, numbers = bottoms
    return x[numbers.astype(int)]
