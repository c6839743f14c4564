"""Layers as Caffe's networks have them: padding, pooling, order, fillers."""

from typing import TypeAlias

import keras
from keras import layers

Tensor: TypeAlias = keras.KerasTensor


def xavier() -> keras.initializers.Initializer:
    """Caffe's `xavier`: uniform, by the number of inputs alone.

    A new one for each layer: one initializer gives equal numbers twice.
    """
    return keras.initializers.VarianceScaling(1.0, "fan_in", "uniform")


def gaussian(std: float) -> keras.initializers.Initializer:
    """Caffe's `gaussian`."""
    return keras.initializers.RandomNormal(stddev=std)


def conv(
    x: Tensor,
    filters: int,
    kernel: int,
    name: str,
    stride: int = 1,
    pad: int = 0,
    weights: keras.initializers.Initializer | None = None,
    bias: float = 0.0,
) -> Tensor:
    """A convolution.

    Args:
        x: Its input.
        filters, kernel, stride, pad: As in a prototxt. Keras'
            `padding="same"` would pad nothing at the top where the stride
            is 2, and Caffe pads one.
        name: Name of the layer.
        weights: The filler. Default: None, which is `xavier`.
        bias: What the bias begins with.
    """
    same = pad > 0 and stride == 1 and kernel == 2 * pad + 1
    if pad and not same:
        x = layers.ZeroPadding2D(pad, name=f"{name}_pad")(x)
    return layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same" if same else "valid",
        kernel_initializer=weights or xavier(),
        bias_initializer=keras.initializers.Constant(bias),
        name=name,
    )(x)


def prelu(x: Tensor, name: str) -> Tensor:
    """A slope for each channel, 0.25 at first."""
    return layers.PReLU(
        alpha_initializer=keras.initializers.Constant(0.25),
        shared_axes=[1, 2] if len(x.shape) == 4 else None,
        name=name,
    )(x)


def halve(x: Tensor, name: str) -> Tensor:
    """MAX over 2 x 2 with stride 2; Caffe rounds up."""
    return layers.MaxPooling2D(2, strides=2, padding="same", name=name)(x)


def flatten(x: Tensor, name: str) -> Tensor:
    """All numbers of an image in Caffe's order: C, H, W.

    So the kernel of the dense layer behind it is Caffe's, transposed.
    """
    x = layers.Permute((3, 1, 2), name=f"{name}_nchw")(x)
    return layers.Flatten(name=name)(x)


def dense(x: Tensor, units: int, name: str, bias: float | None = 0.0) -> Tensor:
    """An InnerProduct with `xavier`.

    Args:
        x: Its input, flat.
        units: Number of outputs.
        name: Name of the layer.
        bias: What the bias begins with; None if there is none.
    """
    return layers.Dense(
        units,
        use_bias=bias is not None,
        kernel_initializer=xavier(),
        bias_initializer=keras.initializers.Constant(bias or 0.0),
        name=name,
    )(x)
