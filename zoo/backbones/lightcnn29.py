"""LightCNN's residual networks, `LightCNN29` and `LightCNN29V2`."""

import os
from collections.abc import Callable

import keras
from keras import layers

from keras_hypersphere.layers.max_feature_map import MaxFeatureMap
from keras_hypersphere.zoo.backbones.backbone import Backbone, network
from keras_hypersphere.zoo.backbones.caffe_blocks import flatten, halve

INPUT_SHAPE = (128, 128, 1)
SMALLEST_SIDE = 16
CLASSES = {"LightCNN29": 79077, "LightCNN29V2": 80013}
# Residual units, channels before and behind the group, and whether a
# pooling follows.
STAGES = (
    (1, 48, 96, True),
    (2, 96, 192, True),
    (3, 192, 128, False),
    (4, 128, 128, True),
)


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE,
    dim=256,
    classes=CLASSES["LightCNN29"],
)
def LightCNN29(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "lightcnn29",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds LightCNN-29: 29 convolutions, 20 of them in residual units.

    In place of activations, the larger of each two channels is kept
    (`MaxFeatureMap`), also behind the dense layer that gives the embedding
    of 256 numbers; 12.6 million parameters. It takes gray, values / 255.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> model = kh.zoo.LightCNN29()
    >>> model.output_shape, model.count_params()
    ((None, 256), 12573280)

    Reference:
        [A Light CNN for Deep Face Representation with Noisy
        Labels](https://arxiv.org/abs/1511.02683) (Wu et al., 2015), table
        3, and the PyTorch code of its author, whose names of weights are
        those of the layers here with `.` for `__`; dense layers take C, H,
        W, as there. Weights begin as PyTorch's do.
    """
    arguments = Backbone(
        "LightCNN29",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES["LightCNN29"],
    )
    inputs = arguments.input(channels=1, smallest=SMALLEST_SIDE)
    x = trunk(arguments, inputs, halve)
    x = mfm(flatten(x, "flatten"), arguments.channels(256), "fc")
    return with_top(arguments, inputs, x, use_bias=True)


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE,
    dim=256,
    classes=CLASSES["LightCNN29V2"],
)
def LightCNN29V2(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "lightcnn29_v2",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds LightCNN-29 v2, whose pooling adds maximum and mean.

    Beside that, a plain dense layer, `fc`, gives the embedding of 256
    numbers, and the classifier has no bias; 10.5 million parameters. It
    takes gray, values / 255.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> model = kh.zoo.LightCNN29V2()
    >>> model.output_shape, model.count_params()
    ((None, 256), 10475872)

    Reference:
        The PyTorch code of the author of LightCNN-29, `light_cnn.py`; see
        `LightCNN29`. No paper describes it.
    """
    arguments = Backbone(
        "LightCNN29V2",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES["LightCNN29V2"],
    )
    inputs = arguments.input(channels=1, smallest=SMALLEST_SIDE)
    x = trunk(arguments, inputs, max_and_mean)
    x = linear(flatten(x, "flatten"), arguments.channels(256), "fc")
    return with_top(arguments, inputs, x, use_bias=False)


def trunk(
    arguments: Backbone, inputs: keras.KerasTensor, pool: Callable
) -> keras.KerasTensor:
    """All convolutions.

    Args:
        arguments: Of the function.
        inputs: The image.
        pool: What halves the map.
    """
    x = pool(mfm(inputs, arguments.channels(48), "conv1", 5), "pool1")
    for stage, (units, before, behind, pooled) in enumerate(STAGES, start=1):
        before, behind = arguments.channels(before), arguments.channels(behind)
        for unit in range(units):
            x = residual_unit(x, before, f"block{stage}__{unit}")
        x = mfm(x, before, f"group{stage}__conv_a", 1)
        x = mfm(x, behind, f"group{stage}__conv", 3)
        if pooled:
            x = pool(x, f"pool{min(stage + 1, 4)}")
    return x


def residual_unit(
    x: keras.KerasTensor, channels: int, name: str
) -> keras.KerasTensor:
    """Two convolutions, and the addition of what came in."""
    y = mfm(x, channels, f"{name}__conv1", 3)
    y = mfm(y, channels, f"{name}__conv2", 3)
    return layers.Add(name=f"{name}__add")([y, x])


def mfm(
    x: keras.KerasTensor, channels: int, name: str, size: int = 0
) -> keras.KerasTensor:
    """A layer of twice the channels, and the larger of each two.

    Args:
        x: Its input.
        channels: How many are left.
        name: Name of the two layers.
        size: Of the convolution; 0 for a dense layer.
    """
    x = linear(x, 2 * channels, f"{name}__filter", size)
    return MaxFeatureMap(name=name)(x)


def linear(
    x: keras.KerasTensor, units: int, name: str, size: int = 0
) -> keras.KerasTensor:
    """A convolution or a dense layer, filled as PyTorch does."""
    edge = (x.shape[-1] * max(size, 1) ** 2) ** -0.5
    fill = {
        "kernel_initializer": keras.initializers.RandomUniform(-edge, edge),
        "bias_initializer": keras.initializers.RandomUniform(-edge, edge),
        "name": name,
    }
    if size:
        return layers.Conv2D(units, size, padding="same", **fill)(x)
    return layers.Dense(units, **fill)(x)


def max_and_mean(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """The sum of both over 2 x 2; what does not fill a window is left out."""
    highest = layers.MaxPooling2D(2, name=f"{name}_max")(x)
    mean = layers.AveragePooling2D(2, name=f"{name}_mean")(x)
    return layers.Add(name=name)([highest, mean])


def with_top(
    arguments: Backbone,
    inputs: keras.KerasTensor,
    x: keras.KerasTensor,
    use_bias: bool,
) -> keras.Model:
    """The model, with `fc2` behind dropout if it was asked for."""
    if arguments.include_top:
        x = layers.Dropout(0.5, name="dropout")(x)
        edge = x.shape[-1] ** -0.5
        x = layers.Dense(
            arguments.units,
            use_bias=use_bias,
            kernel_initializer=keras.initializers.RandomUniform(-edge, edge),
            bias_initializer=keras.initializers.RandomUniform(-edge, edge),
            name="fc2",
        )(x)
        x = arguments.activate(x)
    return arguments.model(inputs, x)
