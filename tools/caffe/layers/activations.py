"""Functions of each value, some with learned slopes."""

import math

import keras
import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.tools.caffe.building.emission import Emission, Tensor
from keras_hypersphere.tools.caffe.registry import register_layer

PRELU_FILLER = FillerParameter(type="constant", value=0.25)


@register_layer("ReLU")
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


@register_layer("ReLU6")
def relu6(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ReLU`, cut off at 6 (MobileNetV2)."""
    x = layer.expect(inputs, 1)
    return layer.add(keras.layers.ReLU, x, max_value=6.0)


@register_layer("PReLU")
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


@register_layer("ELU")
def elu(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ELU`, with `alpha`."""
    return layer.add(
        keras.layers.ELU,
        layer.expect(inputs, 1),
        alpha=layer.parameter.elu_param.alpha,
    )


@register_layer("Sigmoid")
def sigmoid(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Activation("sigmoid")`."""
    x = layer.expect(inputs, 1)
    return layer.add(keras.layers.Activation, x, activation="sigmoid")


@register_layer("TanH")
def tanh(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Activation("tanh")`."""
    x = layer.expect(inputs, 1)
    return layer.add(keras.layers.Activation, x, activation="tanh")


@register_layer("BNLL")
def bnll(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Activation("softplus")`."""
    x = layer.expect(inputs, 1)
    return layer.add(keras.layers.Activation, x, activation="softplus")


@register_layer("Swish")
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


@register_layer("Clip")
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


@register_layer("AbsVal")
def absval(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.absolute`; not in place, as in Caffe."""
    x = layer.expect(inputs, 1)
    if layer.parameter.bottom[0] == layer.parameter.top[0]:
        layer.fail("cannot work in place; give the top another name")
    return layer.label(layer.compute(keras.ops.absolute, x, part="abs"))


@register_layer("Threshold")
def threshold(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.greater`, as numbers 0 and 1."""
    x = layer.expect(inputs, 1)
    level = layer.parameter.threshold_param.threshold
    above = layer.compute(keras.ops.greater, x, level, part="greater")
    number = layer.compute(keras.ops.cast, above, x.dtype, part="cast")
    return layer.label(number)


@register_layer("Dropout")
def dropout(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Dropout`, which does nothing at inference."""
    settings = layer.parameter.dropout_param
    if settings.sqrt_scale and layer.training:
        layer.unsupported("training with `sqrt_scale: true` is not supported")
    if not 0 <= settings.dropout_ratio < 1:
        layer.fail("`dropout_ratio` must be at least 0 and below 1")
    return layer.add(
        keras.layers.Dropout,
        layer.expect(inputs, 1),
        rate=settings.dropout_ratio,
    )


@register_layer("Power")
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
    x = layer.add(
        keras.layers.Rescaling,
        x,
        "linear",
        scale=settings.scale,
        offset=settings.shift,
    )
    return layer.label(
        layer.compute(keras.ops.power, x, settings.power, part="power")
    )


@register_layer("Exp")
def exp(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Rescaling` and `Activation("exponential")`, to any base."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.exp_param
    base = logarithm_of_base(layer, settings.base)
    x = layer.add(
        keras.layers.Rescaling,
        x,
        "linear",
        scale=settings.scale * base,
        offset=settings.shift * base,
    )
    return layer.add(keras.layers.Activation, x, activation="exponential")


@register_layer("Log")
def log(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Rescaling` and `ops.log`, to any base."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.log_param
    base = logarithm_of_base(layer, settings.base)
    x = layer.add(
        keras.layers.Rescaling,
        x,
        "linear",
        scale=settings.scale,
        offset=settings.shift,
    )
    x = layer.compute(keras.ops.log, x, part="log")
    return layer.add(keras.layers.Rescaling, x, scale=1 / base)


def logarithm_of_base(layer: Emission, base: float) -> float:
    """The natural logarithm of a base, of which -1 means e."""
    if base == -1:
        return 1.0
    if base <= 0 or base == 1 or not np.isfinite(base):
        layer.fail(f"`base: {base:g}` must be positive and not 1")
    return math.log(base)


@register_layer("Softmax")
def softmax(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Softmax` along any axis."""
    x = layer.expect(inputs, 1)
    axis = layer.axis(layer.parameter.softmax_param.axis, x)
    return layer.add(keras.layers.Softmax, x, axis=axis)
