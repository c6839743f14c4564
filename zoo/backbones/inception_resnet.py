"""Inception-ResNet-v1 as it is used for faces, `InceptionResNetV1`."""

import os
from typing import TypeAlias

import keras
from keras import layers

from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.zoo.backbones.backbone import Backbone, network

INPUT_SHAPE = (160, 160, 3)
SMALLEST_SIDE = 75
DIM = 512
Tensor: TypeAlias = keras.KerasTensor

# A residual block: its branches, each a list of (filters, kernel, name).
BLOCKS: dict[str, tuple[list[tuple], ...]] = {
    "block35": (
        [(32, 1, "1x1")],
        [(32, 1, "0a_1x1"), (32, 3, "0b_3x3")],
        [(32, 1, "0a_1x1"), (32, 3, "0b_3x3"), (32, 3, "0c_3x3")],
    ),
    "block17": (
        [(128, 1, "1x1")],
        [(128, 1, "0a_1x1"), (128, (1, 7), "0b_1x7"), (128, (7, 1), "0c_7x1")],
    ),
    "block8": (
        [(192, 1, "1x1")],
        [(192, 1, "0a_1x1"), (192, (1, 3), "0b_1x3"), (192, (3, 1), "0c_3x1")],
    ),
}
# A reduction: the last of each branch has stride 2 and no padding.
REDUCTIONS = {
    "mixed_6a": (
        [(384, 3, "1a_3x3")],
        [(192, 1, "0a_1x1"), (192, 3, "0b_3x3"), (256, 3, "1a_3x3")],
    ),
    "mixed_7a": (
        [(256, 1, "0a_1x1"), (384, 3, "1a_3x3")],
        [(256, 1, "0a_1x1"), (256, 3, "1a_3x3")],
        [(256, 1, "0a_1x1"), (256, 3, "0b_3x3"), (256, 3, "1a_3x3")],
    ),
}


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE,
    dim=DIM,
    top=", a dense layer on what becomes the embedding",
)
def InceptionResNetV1(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "inception_resnet_v1",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds Inception-ResNet-v1 with an embedding of 512 numbers.

    21 residual blocks of convolutions side by side, batch normalization
    behind each convolution but the last of a block; 23.5 million
    parameters. Embeddings have length one. It takes RGB,
    `(values - 127.5) / 128`.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> model = kh.zoo.InceptionResNetV1()
    >>> model.output_shape, model.count_params()
    ((None, 512), 23497424)

    Reference:
        [Inception-v4, Inception-ResNet and the Impact of Residual
        Connections on Learning](https://arxiv.org/abs/1602.07261) (Szegedy
        et al., 2016), and `inception_resnet_v1.py` of
        [facenet](https://github.com/davidsandberg/facenet), which it
        follows: scales of 0.17, 0.1 and 0.2, a last block without ReLU, and
        the dense layer of the embedding with batch normalization.
    """
    arguments = Backbone(
        "InceptionResNetV1",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
    )
    inputs = arguments.input(channels=3, smallest=SMALLEST_SIDE)
    x = stem(arguments, inputs)
    for number in range(1, 6):
        x = block(arguments, x, "block35", number, 0.17)
    x = reduction(arguments, x, "mixed_6a")
    for number in range(1, 11):
        x = block(arguments, x, "block17", number, 0.1)
    x = reduction(arguments, x, "mixed_7a")
    for number in range(1, 6):
        x = block(arguments, x, "block8", number, 0.2)
    x = block(arguments, x, "block8", 6, 1.0, activation=None)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    x = layers.Dense(
        arguments.channels(DIM), use_bias=False, name="bottleneck"
    )(x)
    x = batch_norm(x, "bottleneck")
    if arguments.include_top:
        logits = layers.Dense(arguments.units, name="logits")(x)
        return arguments.model(inputs, arguments.activate(logits))
    # Its normalization adds nothing, and bounds the squared length instead.
    x = NormalizeLayer(name="embeddings")(x)
    return arguments.model(inputs, x)


def stem(arguments: Backbone, x: Tensor) -> Tensor:
    """The convolutions before the first block."""
    channels = arguments.channels
    x = conv(x, channels(32), 3, "conv2d_1a_3x3", stride=2, padding="valid")
    x = conv(x, channels(32), 3, "conv2d_2a_3x3", padding="valid")
    x = conv(x, channels(64), 3, "conv2d_2b_3x3")
    x = layers.MaxPooling2D(3, strides=2, name="maxpool_3a_3x3")(x)
    x = conv(x, channels(80), 1, "conv2d_3b_1x1")
    x = conv(x, channels(192), 3, "conv2d_4a_3x3", padding="valid")
    return conv(x, channels(256), 3, "conv2d_4b_3x3", stride=2, padding="valid")


def block(
    arguments: Backbone,
    x: Tensor,
    kind: str,
    number: int,
    scale: float,
    activation: str | None = "relu",
) -> Tensor:
    """A residual block.

    Args:
        arguments: Of the function.
        x: Its input.
        kind: A key of `BLOCKS`.
        number: Which of them it is.
        scale: By what it is multiplied before it is added to its input.
        activation: Behind the sum.
    """
    name, branches = f"{kind}_{number}", []
    for index, branch in enumerate(BLOCKS[kind]):
        y = x
        for filters, size, part in branch:
            part = f"{name}_branch_{index}_{part}"
            y = conv(y, arguments.channels(filters), size, part)
        branches.append(y)
    y = layers.Concatenate(name=f"{name}_mixed")(branches)
    y = layers.Conv2D(x.shape[-1], 1, name=f"{name}_up")(y)
    if scale != 1.0:
        y = layers.Rescaling(scale, name=f"{name}_scale")(y)
    x = layers.Add(name=f"{name}_add")([x, y])
    if activation:
        x = layers.Activation(activation, name=f"{name}_{activation}")(x)
    return x


def reduction(arguments: Backbone, x: Tensor, name: str) -> Tensor:
    """Branches that halve the map, and a pooling next to them."""
    branches = []
    for index, branch in enumerate(REDUCTIONS[name]):
        y = x
        for place, (filters, size, part) in enumerate(branch, start=1):
            last = place == len(branch)
            y = conv(
                y,
                arguments.channels(filters),
                size,
                f"{name}_branch_{index}_{part}",
                stride=2 if last else 1,
                padding="valid" if last else "same",
            )
        branches.append(y)
    pool = layers.MaxPooling2D(3, strides=2, name=f"{name}_pool")(x)
    return layers.Concatenate(name=name)([*branches, pool])


def conv(
    x: Tensor,
    filters: int,
    size: "int | tuple[int, int]",
    name: str,
    stride: int = 1,
    padding: str = "same",
) -> Tensor:
    """A convolution, batch normalization and ReLU."""
    x = layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding=padding,
        use_bias=False,
        name=name,
    )(x)
    x = batch_norm(x, name)
    return layers.ReLU(name=f"{name}_relu")(x)


def batch_norm(x: Tensor, name: str) -> Tensor:
    """Batch normalization that shifts and does not scale."""
    return layers.BatchNormalization(
        scale=False, momentum=0.995, epsilon=0.001, name=f"{name}_bn"
    )(x)
