"""FaceNet's networks, `FaceNetNN1` to `FaceNetNN4`."""

import os
from collections.abc import Callable, Sequence

import keras
from keras import layers

from keras_hypersphere.layers.maxout import Maxout
from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.zoo.backbones.backbone import Backbone, Network, network
from keras_hypersphere.zoo.backbones.inception import (
    HIGHER,
    NN2,
    STEM,
    Module,
    conv,
    max_pool,
    response_norm,
    trunk,
    without_five,
)

DIM = 128
SMALLEST_SIDE = 32
# Of NN1: filters of 1 x 1, filters of 3 x 3, and whether a pooling follows.
NN1 = (
    ("3", 192, 384, True),
    ("4", 384, 256, False),
    ("5", 256, 256, False),
    ("6", 256, 256, True),
)
USE_BIAS = """
        use_bias: Whether convolutions and dense layers have biases. The
            paper's text has no word of them; rows of its tables, such as
            148K for conv4a of NN1, agree with biases only. Default: False."""


def common(
    height: int, width: int, channels: int
) -> Callable[[Network], Network]:
    """What the docstrings share."""
    return network(
        shape=(height, width, channels),
        smallest=SMALLEST_SIDE,
        dim=DIM,
        top=", a dense layer on what becomes the embedding",
        more=USE_BIAS,
    )


@common(220, 220, 3)
def FaceNetNN1(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = (220, 220, 3),
    include_top: bool = False,
    classes: int | None = None,
    name: str = "facenet_nn1",
    classifier_activation: "str | None" = "softmax",
    use_bias: bool = False,
    width: float = 1.0,
) -> keras.Model:
    """Builds FaceNet's NN1, after Zeiler and Fergus, with 140 million weights.

    6 convolutions, each but the first behind one of 1 x 1, then two dense
    layers of 4,096 units that are maxima of two pieces (`Maxout`), and the
    embedding: 128 numbers of length one.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> model = kh.zoo.FaceNetNN1()
    >>> model.output_shape, model.count_params()
    ((None, 128), 140006592)

    Reference:
        [FaceNet](https://arxiv.org/abs/1503.03832) (Schroff et al., 2015),
        table 1. It does not give the constants of the normalization by
        neighbors; they are AlexNet's. Nor does it say how weights begin.
    """
    arguments = Backbone(
        "FaceNetNN1",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
    )
    inputs = x = arguments.input(channels=3, smallest=SMALLEST_SIDE)
    channels = arguments.channels
    x = max_pool(conv(x, channels(64), 7, "conv1", 2, use_bias), "pool1")
    x = response_norm(x, "rnorm1")
    x = conv(x, channels(64), 1, "conv2a", 1, use_bias)
    x = conv(x, channels(192), 3, "conv2", 1, use_bias)
    x = max_pool(response_norm(x, "rnorm2"), "pool2")
    for part, before, filters, pooled in NN1:
        x = conv(x, channels(before), 1, f"conv{part}a", 1, use_bias)
        x = conv(x, channels(filters), 3, f"conv{part}", 1, use_bias)
        if pooled:
            x = max_pool(x, "pool3" if part == "3" else "pool4")
    x = layers.Flatten(name="concat")(x)
    for part in ("fc1", "fc2"):
        x = Maxout(channels(4096), pieces=2, use_bias=use_bias, name=part)(x)
    return embedded(arguments, inputs, x, "fc7128", use_bias)


@common(224, 224, 3)
def FaceNetNN2(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = (224, 224, 3),
    include_top: bool = False,
    classes: int | None = None,
    name: str = "facenet_nn2",
    classifier_activation: "str | None" = "softmax",
    use_bias: bool = False,
    width: float = 1.0,
) -> keras.Model:
    """Builds FaceNet's NN2, an Inception network.

    Ten modules of convolutions side by side, of which most pool by the
    length of 3 x 3 cells (`L2Pooling2D`), the mean of the last map, and the
    embedding: 128 numbers of length one; 7.4 million weights.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.FaceNetNN2().count_params()
    7448256

    Reference:
        [FaceNet](https://arxiv.org/abs/1503.03832) (Schroff et al., 2015),
        table 2. It does not give the constants of the normalization by
        neighbors; they are AlexNet's. Nor does it say how weights begin.
    """
    arguments = Backbone(
        "FaceNetNN2",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
    )
    return inception(arguments, NN2, use_bias)


@common(160, 160, 3)
def FaceNetNN3(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = (160, 160, 3),
    include_top: bool = False,
    classes: int | None = None,
    name: str = "facenet_nn3",
    classifier_activation: "str | None" = "softmax",
    use_bias: bool = False,
    width: float = 1.0,
) -> keras.Model:
    """Builds FaceNet's NN3: NN2 for smaller images.

    The network is `FaceNetNN2`; an image of 160 x 160 pixels takes half the
    multiplications.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.FaceNetNN3().count_params()
    7448256

    Reference:
        [FaceNet](https://arxiv.org/abs/1503.03832) (Schroff et al., 2015),
        section 3.3.
    """
    arguments = Backbone(
        "FaceNetNN3",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
    )
    return inception(arguments, NN2, use_bias)


@common(96, 96, 3)
def FaceNetNN4(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = (96, 96, 3),
    include_top: bool = False,
    classes: int | None = None,
    name: str = "facenet_nn4",
    classifier_activation: "str | None" = "softmax",
    use_bias: bool = False,
    width: float = 1.0,
) -> keras.Model:
    """Builds a reconstruction of FaceNet's NN4, for 96 x 96 pixels.

    Its table was never published. Here it is `FaceNetNN2` without the 5 x 5
    convolutions of 4e, 5a and 5b: 284.7 million multiplications, where the
    paper prints 285.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.FaceNetNN4().count_params()
    6600384

    Reference:
        [FaceNet](https://arxiv.org/abs/1503.03832) (Schroff et al., 2015),
        section 3.3, which has no 5 x 5 "in the higher layers" and does not
        name them. OpenFace's nn4 keeps that of 4e, which makes 288.9
        million, and normalizes batches.
    """
    arguments = Backbone(
        "FaceNetNN4",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
    )
    return inception(arguments, without_five(NN2, HIGHER), use_bias)


def inception(
    arguments: Backbone, modules: Sequence[Module], bias: bool
) -> keras.Model:
    """NN2 to NN4: the mean of the last map becomes the embedding.

    Args:
        arguments: Of the function.
        modules: The table.
        bias: Whether layers have one.
    """
    inputs = arguments.input(channels=3, smallest=SMALLEST_SIDE)
    x = trunk(arguments, inputs, STEM, modules, bias)
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return embedded(arguments, inputs, x, "fc", bias)


def embedded(
    arguments: Backbone,
    inputs: keras.KerasTensor,
    x: keras.KerasTensor,
    name: str,
    bias: bool,
) -> keras.Model:
    """The last dense layer, `name`, and its output on the sphere.

    A classifier takes it before: cosines without a scale cannot be fitted.
    """
    x = layers.Dense(arguments.channels(DIM), use_bias=bias, name=name)(x)
    if arguments.include_top:
        logits = layers.Dense(arguments.units, name="predictions")(x)
        return arguments.model(inputs, arguments.activate(logits))
    return arguments.model(inputs, NormalizeLayer(name="L2")(x))
