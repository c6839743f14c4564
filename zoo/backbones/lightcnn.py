"""LightCNN's networks of 2015, `LightCNNA`, `LightCNNB` and `LightCNN9`."""

import os

import keras
from keras import layers

from keras_hypersphere.layers.max_feature_map import MaxFeatureMap
from keras_hypersphere.zoo.backbones.backbone import Backbone, network
from keras_hypersphere.zoo.backbones.caffe_blocks import (
    conv,
    dense,
    flatten,
    halve,
)

INPUT_SHAPE = (128, 128, 1)
# Every bias begins with it.
BIAS = 0.1
# Channels behind A's convolutions, which make two of each, and their size.
STAGES_A = ((48, 9), (96, 5), (128, 5), (192, 4))
SMALLEST_SIDE_A = 57
# B's: name, channels, size, and whether a pooling follows.
STAGES_B = (
    ("1", 48, 5, True),
    ("2a", 48, 1, False),
    ("2", 96, 3, True),
    ("3a", 96, 1, False),
    ("3", 192, 3, True),
    ("4a", 192, 1, False),
    ("4", 128, 3, False),
    ("5a", 128, 1, False),
    ("5", 128, 3, True),
)
SMALLEST_SIDE_B = 16
CLASSES = {"LightCNNA": 10575, "LightCNNB": 10575, "LightCNN9": 99891}
DROPOUT_B = {"LightCNNB": 0.75, "LightCNN9": 0.7}


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE_A,
    dim=256,
    original=".caffemodel",
    classes=CLASSES["LightCNNA"],
)
def LightCNNA(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "lightcnn_a",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds LightCNN's model A: 4 convolutions and a dense layer.

    In place of activations, the larger of each two channels is kept
    (`MaxFeatureMap`), here behind the pooling; 4.1 million parameters. The
    embedding of 256 numbers is compared by its cosine. It takes gray,
    values / 256.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> model = kh.zoo.LightCNNA()
    >>> model.output_shape, model.count_params()
    ((None, 256), 4098048)

    Reference:
        [A Light CNN for Deep Face Representation with Noisy
        Labels](https://arxiv.org/abs/1511.02683) (Wu et al., 2015), and
        `LightenedCNN_A_deploy.prototxt` of the authors' repository.
    """
    arguments = Backbone(
        "LightCNNA",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES["LightCNNA"],
        caffe_names={},
    )
    return model_a(arguments)


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE_B,
    dim=256,
    original=".caffemodel",
    classes=CLASSES["LightCNNB"],
)
def LightCNNB(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "lightcnn_b",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds LightCNN's model B: 9 convolutions and a dense layer.

    In place of activations, the larger of each two channels is kept
    (`MaxFeatureMap`); 5.5 million parameters. The embedding of 256 numbers
    is compared by its cosine. It takes gray, values / 256.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.LightCNNB().count_params()
    5480864

    Reference:
        [A Light CNN for Deep Face Representation with Noisy
        Labels](https://arxiv.org/abs/1511.02683) (Wu et al., 2015), and
        `LightenedCNN_B_deploy.prototxt` of the authors' repository.
    """
    arguments = Backbone(
        "LightCNNB",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES["LightCNNB"],
        caffe_names={},
    )
    return model_b(arguments)


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE_B,
    dim=256,
    original=".caffemodel",
    classes=CLASSES["LightCNN9"],
)
def LightCNN9(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "lightcnn9",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds LightCNN-9, model B trained on more people.

    The network is `LightCNNB`; only the classifier on top is larger, with
    less dropout before it. It takes gray, values / 255.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.LightCNN9().count_params()
    5480864

    Reference:
        [A Light CNN for Deep Face Representation with Noisy
        Labels](https://arxiv.org/abs/1511.02683) (Wu et al., 2015), and
        `LightenedCNN_C_deploy.prototxt` of the authors' repository. Their
        later PyTorch code has the same network for 79,077 people.
    """
    arguments = Backbone(
        "LightCNN9",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES["LightCNN9"],
        caffe_names={},
    )
    return model_b(arguments)


def model_a(arguments: Backbone) -> keras.Model:
    """The network A."""
    inputs = x = arguments.input(channels=1, smallest=SMALLEST_SIDE_A)
    for stage, (channels, size) in enumerate(STAGES_A, start=1):
        filters = 2 * arguments.channels(channels)
        x = conv(x, filters, size, f"conv{stage}", bias=BIAS)
        x = halve(x, f"pool{stage}")
        # So its authors spell it.
        x = MaxFeatureMap(name=f"etlwise{stage}")(x)
    units = 2 * arguments.channels(256)
    x = dense(flatten(x, "fc1_flatten"), units, "fc1", BIAS)
    x = MaxFeatureMap(name="eltwise6")(x)
    if arguments.include_top:
        x = layers.Dropout(0.7, name="dropout1")(x)
        x = classifier(arguments, x)
    return arguments.model(inputs, x)


def model_b(arguments: Backbone) -> keras.Model:
    """The network B, and 9."""
    inputs = x = arguments.input(channels=1, smallest=SMALLEST_SIDE_B)
    for part, channels, size, pooled in STAGES_B:
        filters = 2 * arguments.channels(channels)
        x = conv(x, filters, size, f"conv{part}", pad=size // 2, bias=BIAS)
        x = MaxFeatureMap(name=f"etlwise{part}")(x)
        if pooled:
            # The last convolution is the fifth, the last pooling the fourth.
            x = halve(x, f"pool{min(int(part), 4)}")
    units = 2 * arguments.channels(256)
    x = dense(flatten(x, "fc1_flatten"), units, "fc1", BIAS)
    x = MaxFeatureMap(name="etlwise_fc1")(x)
    if arguments.include_top:
        x = layers.Dropout(DROPOUT_B[arguments.architecture], name="drop1")(x)
        x = classifier(arguments, x)
    return arguments.model(inputs, x)


def classifier(arguments: Backbone, x: keras.KerasTensor) -> keras.KerasTensor:
    """The dense layer `fc2` behind the dropout."""
    x = dense(x, arguments.units, "fc2", BIAS)
    return arguments.activate(x, "softmax")
