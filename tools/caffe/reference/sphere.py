"""The layers of NormFace, SphereFace and AM-Softmax, at test time.

A converted model gives logits without a margin unless it is training: so
does the reference. Second tops say what the first step of training will see.
"""

from typing import Any

import numpy as np

from keras_hypersphere.tools.caffe.reference.dense import rows_of
from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]


def class_weights(
    layer: ReferenceLayer, settings: Any, size: int
) -> np.ndarray:
    """A row for each class."""
    shape = (settings.num_output, size)
    return layer.blob(0, shape, settings.weight_filler)


def tops(
    layer: ReferenceLayer, logits: np.ndarray, number: float
) -> list[np.ndarray]:
    """As many as the layer has, of two."""
    return [logits, np.array([number])][: len(layer.parameter.top)]


def annealed(settings: Any) -> float:
    """Lambda; its count begins at 1."""
    steps = 1 + settings.gamma * (settings.iteration + 1)
    return max(settings.lambda_min, settings.base * steps**-settings.power)


@register_reference("MarginInnerProduct")
def margin_inner_product(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """Products with rows of length one."""
    settings = layer.parameter.margin_inner_product_param
    x, lead = rows_of(layer, bottoms[0], settings.axis)
    kernel = class_weights(layer, settings, x.shape[1])
    # No epsilon here.
    kernel = kernel / np.sqrt(np.square(kernel).sum(1, keepdims=True))
    return tops(layer, (x @ kernel.T).reshape(*lead, -1), annealed(settings))


@register_reference("LargeMarginInnerProduct")
def large_margin_inner_product(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """Products with rows of weights as they are."""
    settings = layer.parameter.largemargin_inner_product_param
    x, lead = rows_of(layer, bottoms[0], settings.axis)
    kernel = class_weights(layer, settings, x.shape[1])
    return tops(layer, (x @ kernel.T).reshape(*lead, -1), annealed(settings))


@register_reference("LabelSpecificAdd")
def label_specific_add(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """Nothing at test time, even with `transform_test`."""
    settings = layer.parameter.label_specific_add_param
    bias = settings.bias
    if settings.HasField("bias_base"):
        steps = 1 + settings.bias_gamma * settings.iteration
        bias = settings.bias_base + steps**settings.bias_power - 1
        bias = min(max(bias, settings.bias_min), settings.bias_max)
    return tops(layer, bottoms[0], bias)


@register_reference("ChannelScale")
def channel_scale(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Each sample, or place, times its number."""
    x, factors = bottoms
    settings = layer.parameter.channel_scale_param
    if settings.global_scale:
        layer.fail("`global_scale` is not known to the reference")
    if not settings.do_forward:
        return x
    factors = factors.reshape(len(x), 1, *factors.shape[2:])
    return x * factors.reshape(*factors.shape[: x.ndim])
