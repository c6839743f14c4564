"""SFace, a MobileNet that was trained with a loss on the hypersphere."""

import os

import keras
from keras import layers

from keras_hypersphere.zoo.backbones.backbone import Backbone, network
from keras_hypersphere.zoo.backbones.caffe_blocks import prelu

INPUT_SHAPE = (112, 112, 3)
DIM = 128
SMALLEST_SIDE = 16
# A pair of convolutions a number, of each channel and then across them:
# filters, and the stride of the first.
PAIRS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *((512, 1),) * 5,
    (1024, 2),
    (1024, 1),
)
# Of the published network, behind convolutions and behind all of them.
EPSILON, LAST_EPSILON = 1e-3, 2e-5


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE,
    dim=DIM,
    original=".onnx",
)
def SFace(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "sface",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds SFace's network: MobileNet with slopes and a dense layer.

    27 convolutions, 13 of them depthwise, and a dense layer on all numbers of
    the last map give an embedding of 128 numbers, which is compared by
    cosine; 9.7 million parameters. It takes RGB, `(values - 127.5) / 128`.

    Feed it `preprocess_input(crops, get_card("sface"))`. To turn photos into
    embeddings use `FaceEmbedder`. The published ONNX file does this
    preprocessing itself, the Keras network does not.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> model = kh.zoo.SFace()
    >>> model.output_shape, model.count_params()
    ((None, 128), 9667072)

    Reference:
        - [SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face
          Recognition](https://arxiv.org/abs/2205.12010) (Zhong et al.,
          2021); weights of [OpenCV
          Zoo](https://github.com/opencv/opencv_zoo), `face_recognition_sface`
        - [MobileNets](https://arxiv.org/abs/1704.04861) (Howard et al.,
          2017), table 1
    """
    arguments = Backbone(
        "SFace",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
    )
    inputs = arguments.input(channels=3, smallest=SMALLEST_SIDE)
    x = conv(inputs, arguments.channels(32), 3, "conv1")
    for number, (filters, stride) in enumerate(PAIRS, start=2):
        x = depthwise(x, stride, f"conv{number}_dw")
        x = conv(x, arguments.channels(filters), 1, f"conv{number}")
    x = layers.BatchNormalization(epsilon=LAST_EPSILON, name="last_bn")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(arguments.channels(DIM), name="dense")(x)
    x = layers.BatchNormalization(epsilon=LAST_EPSILON, name="embedding")(x)
    if include_top:
        x = layers.Dense(arguments.units, name="predictions")(x)
        x = arguments.activate(x)
    return arguments.model(inputs, x)


def conv(
    x: keras.KerasTensor, filters: int, size: int, name: str
) -> keras.KerasTensor:
    """A convolution across channels, batch normalization and slopes."""
    x = layers.Conv2D(
        filters,
        size,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return normalized(x, name)


def depthwise(
    x: keras.KerasTensor, stride: int, name: str
) -> keras.KerasTensor:
    """The same with 3 x 3, each channel on its own."""
    if stride > 1:
        # Keras' "same" would pad nothing at the top.
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="valid" if stride > 1 else "same",
        use_bias=False,
        depthwise_initializer="he_normal",
        name=name,
    )(x)
    return normalized(x, name)


def normalized(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """What stands behind every convolution."""
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
    return prelu(x, f"{name}_prelu")
