"""Functions of each value."""

import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]


@register_reference("ReLU")
def relu(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x, or `negative_slope` x below zero."""
    (x,) = bottoms
    return np.where(x > 0, x, x * layer.parameter.relu_param.negative_slope)


@register_reference("ReLU6")
def relu6(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x between 0 and 6."""
    (x,) = bottoms
    return np.clip(x, 0, 6)


@register_reference("PReLU")
def prelu(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x, or a learned slope times x below zero."""
    (x,) = bottoms
    settings = layer.parameter.prelu_param
    filler = FillerParameter(value=0.25)
    if settings.HasField("filler"):
        filler = settings.filler
    shape = () if settings.channel_shared else (x.shape[1],)
    slopes = layer.blob(0, shape, filler)
    if shape:
        slopes = slopes.reshape(-1, *[1] * (x.ndim - 2))
    return np.maximum(x, 0) + slopes * np.minimum(x, 0)


@register_reference("ELU")
def elu(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x, or alpha (e^x - 1) below zero."""
    (x,) = bottoms
    alpha = layer.parameter.elu_param.alpha
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@register_reference("Sigmoid")
def sigmoid(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """1 / (1 + e^-x)."""
    (x,) = bottoms
    return 1 / (1 + np.exp(-x))


@register_reference("Swish")
def swish(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x / (1 + e^(-beta x))."""
    (x,) = bottoms
    return x / (1 + np.exp(-x * layer.parameter.swish_param.beta))


@register_reference("TanH")
def tanh(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The hyperbolic tangent."""
    return np.tanh(bottoms[0])


@register_reference("AbsVal")
def absval(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """|x|."""
    return np.abs(bottoms[0])


@register_reference("BNLL")
def bnll(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """log(1 + e^x)."""
    return np.logaddexp(0, bottoms[0])


@register_reference("Threshold")
def threshold(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """1 where x is above the threshold, else 0."""
    level = layer.parameter.threshold_param.threshold
    return (bottoms[0] > level).astype(np.float64)


@register_reference("Clip")
def clip(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x between `min` and `max`."""
    settings = layer.parameter.clip_param
    return np.clip(bottoms[0], settings.min, settings.max)


@register_reference("Dropout")
def dropout(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """At test time Caffe passes the blob on."""
    return bottoms[0]


@register_reference("Power")
def power(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """(shift + scale x)^power."""
    (x,) = bottoms
    settings = layer.parameter.power_param
    if settings.scale * settings.power == 0:
        # Caffe does not look at the bottom then.
        value = 1 if settings.power == 0 else settings.shift**settings.power
        return np.full_like(x, value)
    x = settings.shift + settings.scale * x
    return x if settings.power == 1 else x**settings.power


@register_reference("Exp")
def exp(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """base^(shift + scale x); a base of -1 is e."""
    settings = layer.parameter.exp_param
    base = 1.0 if settings.base == -1 else np.log(settings.base)
    return np.exp(base * (settings.shift + settings.scale * bottoms[0]))


@register_reference("Log")
def log(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The logarithm of shift + scale x; a base of -1 is e."""
    settings = layer.parameter.log_param
    base = 1.0 if settings.base == -1 else np.log(settings.base)
    return np.log(settings.shift + settings.scale * bottoms[0]) / base


@register_reference("Softmax")
def softmax(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """e^x over its sum along an axis."""
    (x,) = bottoms
    axis = layer.axis(layer.parameter.softmax_param.axis, x)
    x = np.exp(x - x.max(axis, keepdims=True))
    return x / x.sum(axis, keepdims=True)
