"""Functions of each value, some with learned slopes."""

import math
from typing import Any

import keras
import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

PRELU_FILLER = FillerParameter(type="constant", value=0.25)


def relu_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x, or `negative_slope` x below zero."""
    (x,) = bottoms
    return np.where(x > 0, x, x * layer.parameter.relu_param.negative_slope)


@register_layer(
    "ReLU",
    reference=relu_reference,
    keeps_channels=True,
    is_one_layer=True,
    refused={"relu_param.fuse": "leaves the ReLU to the layer before"},
)
def relu(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ReLU`, with `negative_slope`; `ops.where` if that is below 0."""
    x = layer.expect(inputs, 1)
    slope = layer.parameter.relu_param.negative_slope
    if slope >= 0:
        return layer.add(keras.layers.ReLU, x, negative_slope=slope)
    # Keras refuses it. At 0 the derivative is the slope, as in Caffe.
    positive = layer.compute(keras.ops.greater, x, 0.0, part="positive")
    steep = layer.add(keras.layers.Rescaling, x, "slope", scale=slope)
    return layer.label(
        layer.compute(keras.ops.where, positive, x, steep, part="where")
    )


def relu6_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x between 0 and 6."""
    (x,) = bottoms
    return np.clip(x, 0, 6)


@register_layer("ReLU6", reference=relu6_reference)
def relu6(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ReLU`, cut off at 6 (MobileNetV2)."""
    x = layer.expect(inputs, 1)
    return layer.add(keras.layers.ReLU, x, max_value=6.0)


def prelu_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_layer(
    "PReLU", reference=prelu_reference, keeps_channels=True, is_one_layer=True
)
def prelu(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`PReLU` with a slope for each channel, or one for all."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.prelu_param
    rank = len(x.shape)
    if rank < 2:
        layer.fail("its bottom has one axis; it takes two or more")
    filler = settings.filler if settings.HasField("filler") else PRELU_FILLER
    axis = layer.axis(1, x)
    shape = () if settings.channel_shared else (x.shape[axis],)
    (slopes,) = layer.blobs((shape, filler))
    # Keras shares a slope along axes: along all of them, it is one.
    shared = list(range(1, rank))
    if not settings.channel_shared:
        shared.remove(axis)
    wide = [1 if i in shared else -1 for i in range(1, rank)]
    return layer.add(
        keras.layers.PReLU,
        x,
        weights=[slopes.reshape(wide)],
        shared_axes=shared or None,
    )


def elu_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x, or alpha (e^x - 1) below zero."""
    (x,) = bottoms
    alpha = layer.parameter.elu_param.alpha
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@register_layer(
    "ELU",
    reference=elu_reference,
    is_one_layer=True,
    refused={"elu_param.lambda": "multiplies the top"},
)
def elu(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ELU`, with `alpha`."""
    return layer.add(
        keras.layers.ELU,
        layer.expect(inputs, 1),
        alpha=layer.parameter.elu_param.alpha,
    )


def sigmoid_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """1 / (1 + e^-x)."""
    (x,) = bottoms
    return 1 / (1 + np.exp(-x))


@register_layer("Sigmoid", reference=sigmoid_reference, is_one_layer=True)
def sigmoid(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Activation("sigmoid")`."""
    x = layer.expect(inputs, 1)
    return layer.add(keras.layers.Activation, x, activation="sigmoid")


def tanh_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The hyperbolic tangent."""
    return np.tanh(bottoms[0])


@register_layer("TanH", reference=tanh_reference, is_one_layer=True)
def tanh(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Activation("tanh")`."""
    x = layer.expect(inputs, 1)
    return layer.add(keras.layers.Activation, x, activation="tanh")


def bnll_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """log(1 + e^x)."""
    return np.logaddexp(0, bottoms[0])


@register_layer("BNLL", reference=bnll_reference, is_one_layer=True)
def bnll(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Activation("softplus")`."""
    x = layer.expect(inputs, 1)
    return layer.add(keras.layers.Activation, x, activation="softplus")


def swish_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x / (1 + e^(-beta x))."""
    (x,) = bottoms
    return x / (1 + np.exp(-x * layer.parameter.swish_param.beta))


@register_layer("Swish", reference=swish_reference)
def swish(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Activation("silu")`, with `beta`."""
    x = layer.expect(inputs, 1)
    beta = layer.parameter.swish_param.beta
    if beta == 1:
        return layer.add(keras.layers.Activation, x, activation="silu")
    gate = layer.add(keras.layers.Rescaling, x, "beta", scale=beta)
    gate = layer.add(
        keras.layers.Activation, gate, "gate", activation="sigmoid"
    )
    return layer.add(keras.layers.Multiply, [x, gate])


def clip_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x between `min` and `max`."""
    settings = layer.parameter.clip_param
    return np.clip(bottoms[0], settings.min, settings.max)


@register_layer("Clip", reference=clip_reference)
def clip(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.clip`."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.clip_param
    if not (settings.HasField("min") and settings.HasField("max")):
        layer.fail("needs `min` and `max`")
    if settings.min > settings.max:
        layer.fail(f"`min: {settings.min:g}` is above `max: {settings.max:g}`")
    return layer.label(
        layer.compute(
            keras.ops.clip, x, settings.min, settings.max, part="clip"
        )
    )


def absval_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """|x|."""
    return np.abs(bottoms[0])


@register_layer("AbsVal", reference=absval_reference, is_one_layer=True)
def absval(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.absolute`; not in place, as in Caffe."""
    x = layer.expect(inputs, 1)
    if layer.parameter.bottom[0] == layer.parameter.top[0]:
        layer.fail("cannot work in place; give the top another name")
    return layer.label(layer.compute(keras.ops.absolute, x, part="abs"))


def threshold_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """1 where x is above the threshold, else 0."""
    level = layer.parameter.threshold_param.threshold
    return (bottoms[0] > level).astype(np.float64)


@register_layer("Threshold", reference=threshold_reference, passes_labels=True)
def threshold(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.greater`, as numbers 0 and 1."""
    x = layer.expect(inputs, 1)
    level = layer.parameter.threshold_param.threshold
    above = layer.compute(keras.ops.greater, x, level, part="greater")
    number = layer.compute(keras.ops.cast, above, x.dtype, part="cast")
    return layer.label(number)


def dropout_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x, times the share that training keeps if training does not scale."""
    settings = layer.parameter.dropout_param
    return bottoms[0] * (
        1 if settings.scale_train else 1 - settings.dropout_ratio
    )


@register_layer("Dropout", reference=dropout_reference, keeps_channels=True)
def dropout(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Dropout`; `Rescaling` after it for `scale_train: false`."""
    settings = layer.parameter.dropout_param
    if settings.sqrt_scale and layer.training:
        layer.unsupported("training with `sqrt_scale: true` is not supported")
    if settings.sample_weights_test and not layer.training:
        layer.unsupported(
            "`sample_weights_test: true` drops at inference too; --phase "
            'TRAIN (in Python phase="TRAIN") converts it, and '
            "model(x, training=True) draws such samples",
            "--phase TRAIN",
        )
    if not 0 <= settings.dropout_ratio < 1:
        layer.fail("`dropout_ratio` must be at least 0 and below 1")
    x, rate = layer.expect(inputs, 1), settings.dropout_ratio
    if settings.scale_train:
        return layer.add(keras.layers.Dropout, x, rate=rate)
    # Keras's divides by the share that it keeps, in training.
    x = layer.add(keras.layers.Dropout, x, "drop", rate=rate)
    return layer.add(keras.layers.Rescaling, x, scale=1 - rate)


def power_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """(shift + scale x)^power."""
    (x,) = bottoms
    settings = layer.parameter.power_param
    if settings.scale * settings.power == 0:
        # Caffe does not look at the bottom then.
        value = 1 if settings.power == 0 else settings.shift**settings.power
        return np.full_like(x, value)
    x = settings.shift + settings.scale * x
    return x if settings.power == 1 else x**settings.power


@register_layer(
    "Power", reference=power_reference, passes_labels=True, keeps_channels=True
)
def power(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Rescaling`, and `ops.power` for a power that is not 1."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.power_param
    if settings.power == 1:
        return layer.add(
            keras.layers.Rescaling,
            x,
            scale=settings.scale,
            offset=settings.shift,
        )
    x = linear(layer, x, settings)
    return layer.label(
        layer.compute(keras.ops.power, x, settings.power, part="power")
    )


def linear(
    layer: Emission, x: Tensor, settings: Any, factor: float = 1.0
) -> Tensor:
    """shift + scale x, of a Power, Exp or Log, times a factor."""
    return layer.add(
        keras.layers.Rescaling,
        x,
        "linear",
        scale=settings.scale * factor,
        offset=settings.shift * factor,
    )


def exp_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """base^(shift + scale x); a base of -1 is e."""
    settings = layer.parameter.exp_param
    base = 1.0 if settings.base == -1 else np.log(settings.base)
    return np.exp(base * (settings.shift + settings.scale * bottoms[0]))


@register_layer("Exp", reference=exp_reference)
def exp(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Rescaling` and `Activation("exponential")`, to any base."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.exp_param
    base = logarithm_of_base(layer, settings.base)
    x = linear(layer, x, settings, base)
    return layer.add(keras.layers.Activation, x, activation="exponential")


def log_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The logarithm of shift + scale x; a base of -1 is e."""
    settings = layer.parameter.log_param
    base = 1.0 if settings.base == -1 else np.log(settings.base)
    return np.log(settings.shift + settings.scale * bottoms[0]) / base


@register_layer("Log", reference=log_reference)
def log(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Rescaling` and `ops.log`, to any base."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.log_param
    base = logarithm_of_base(layer, settings.base)
    x = linear(layer, x, settings)
    x = layer.compute(keras.ops.log, x, part="log")
    return layer.add(keras.layers.Rescaling, x, scale=1 / base)


def logarithm_of_base(layer: Emission, base: float) -> float:
    """The natural logarithm of a base, of which -1 means e."""
    if base == -1:
        return 1.0
    if base <= 0 or base == 1 or not np.isfinite(base):
        layer.fail(f"`base: {base:g}` must be positive and not 1")
    return math.log(base)


def softmax_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """e^x over its sum along an axis."""
    (x,) = bottoms
    axis = layer.axis(layer.parameter.softmax_param.axis, x)
    x = np.exp(x - x.max(axis, keepdims=True))
    return x / x.sum(axis, keepdims=True)


@register_layer("Softmax", reference=softmax_reference, keeps_channels=True)
def softmax(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Softmax` along any axis."""
    x = layer.expect(inputs, 1)
    axis = layer.axis(layer.parameter.softmax_param.axis, x)
    return layer.add(keras.layers.Softmax, x, axis=axis)
