"""Functions of each value, some with learnt slopes."""

import math

import keras
import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.tools.caffe.emission import Emission, Tensor
from keras_hypersphere.tools.caffe.registry import register_layer

PRELU_FILLER = FillerParameter(type="constant", value=0.25)


@register_layer("ReLU")
def relu(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ReLU`, with `negative_slope`."""
    return layer.add(
        keras.layers.ReLU,
        layer.expect(inputs, 1),
        negative_slope=layer.parameter.relu_param.negative_slope,
    )


@register_layer("PReLU")
def prelu(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`PReLU` with a slope for each channel, or one for all."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.prelu_param
    if len(x.shape) not in (2, 4):
        layer.unsupported("only 2-D and 4-D bottoms are supported")
    filler = settings.filler if settings.HasField("filler") else PRELU_FILLER
    channels = x.shape[-1]
    shape = () if settings.channel_shared else (channels,)
    (slopes,) = layer.blobs((shape, filler))
    if settings.channel_shared:
        # Keras shares a slope along axes: along all of them, it is one.
        shared = list(range(1, len(x.shape)))
    else:
        shared = [1, 2] if len(x.shape) == 4 else None
    return layer.add(
        keras.layers.PReLU,
        x,
        weights=[slopes.reshape((1,) * (len(x.shape) - 2) + (-1,))],
        shared_axes=shared,
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
    """`Dropout`, which does nothing at inference; not `sqrt_scale`."""
    settings = layer.parameter.dropout_param
    if settings.sqrt_scale:
        layer.unsupported("`sqrt_scale: true` is not supported")
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
