"""MobileFaceNet, a small network for phones."""

import os

import keras
from keras import layers

from keras_hypersphere.zoo.backbones.backbone import Backbone, network
from keras_hypersphere.zoo.backbones.caffe_blocks import prelu

INPUT_SHAPE = (112, 112, 3)
SMALLEST_SIDE = 16
# A row of the paper's table: by what channels are multiplied inside,
# channels, number of bottlenecks, stride of the first.
BOTTLENECKS = (
    (2, 64, 5, 2),
    (4, 128, 1, 2),
    (2, 128, 6, 1),
    (4, 128, 1, 2),
    (2, 128, 2, 1),
)


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE,
    dim=128,
)
def MobileFaceNet(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "mobilefacenet",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds MobileFaceNet: 15 inverted bottlenecks, a million parameters.

    Instead of the mean of the last map, which weighs the corners of a face
    as its middle, a convolution of its size for each channel ends it, and a
    linear one of 1 x 1 gives the embedding of 128 numbers. It takes RGB,
    `(values - 127.5) / 128`.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> model = kh.zoo.MobileFaceNet()
    >>> model.output_shape, model.count_params()
    ((None, 128), 1022720)

    Reference:
        [MobileFaceNets](https://arxiv.org/abs/1804.07573) (Chen et al.,
        2018), table 1. It does not say on which sides stride 2 is padded;
        here on all, as in Caffe and MXNet. `ArcFace` is its head.
    """
    arguments = Backbone(
        "MobileFaceNet",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
    )
    inputs = arguments.input(channels=3, smallest=SMALLEST_SIDE)
    x = conv(inputs, arguments.channels(64), 3, "conv1", stride=2)
    x = depthwise(x, 3, "conv2_dw")
    number = 0
    for expand, filters, count, stride in BOTTLENECKS:
        for repeat in range(count):
            number += 1
            x = bottleneck(
                x,
                expand,
                arguments.channels(filters),
                1 if repeat else stride,
                f"bottleneck{number}",
            )
    x = conv(x, arguments.channels(512), 1, "conv3")
    x = depthwise(x, x.shape[1:3], "gdconv", linear=True, padded=False)
    x = conv(x, arguments.channels(128), 1, "conv4", linear=True)
    x = layers.Flatten(name="embedding")(x)
    if arguments.include_top:
        x = layers.Dense(arguments.units, name="predictions")(x)
        x = arguments.activate(x)
    return arguments.model(inputs, x)


def bottleneck(
    x: keras.KerasTensor, expand: int, filters: int, stride: int, name: str
) -> keras.KerasTensor:
    """Wide inside, narrow and linear at the ends.

    Args:
        x: Its input, added to the output where both are of one shape.
        expand: By what its channels are multiplied inside.
        filters: Of the output.
        stride: Of the depthwise convolution.
        name: Begins the names of its layers.
    """
    shortcut = x
    x = conv(x, expand * x.shape[-1], 1, f"{name}_expand")
    x = depthwise(x, 3, f"{name}_dw", stride=stride)
    x = conv(x, filters, 1, f"{name}_project", linear=True)
    if stride == 1 and shortcut.shape == x.shape:
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def conv(
    x: keras.KerasTensor,
    filters: int,
    size: int,
    name: str,
    stride: int = 1,
    linear: bool = False,
) -> keras.KerasTensor:
    """A convolution, batch normalization, and slopes unless it is linear."""
    if size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        filters,
        size,
        strides=stride,
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return normalized(x, name, linear)


def depthwise(
    x: keras.KerasTensor,
    size: "int | tuple[int, int]",
    name: str,
    stride: int = 1,
    linear: bool = False,
    padded: bool = True,
) -> keras.KerasTensor:
    """The same, each channel on its own."""
    if padded:
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    x = layers.DepthwiseConv2D(
        size,
        strides=stride,
        use_bias=False,
        depthwise_initializer="he_normal",
        name=name,
    )(x)
    return normalized(x, name, linear)


def normalized(
    x: keras.KerasTensor, name: str, linear: bool
) -> keras.KerasTensor:
    """What stands behind every convolution."""
    x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return x if linear else prelu(x, f"{name}_prelu")
