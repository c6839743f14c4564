"""FaceNet's small networks, `FaceNetNNS1` and `FaceNetNNS2`."""

import os
from collections.abc import Sequence
from fractions import Fraction

import keras
from keras import layers

from keras_hypersphere.zoo.backbones.backbone import Backbone
from keras_hypersphere.zoo.backbones.facenet import (
    SMALLEST_SIDE,
    common,
    embedded,
)
from keras_hypersphere.zoo.backbones.inception import (
    HIGHER,
    NN2,
    STEM,
    Module,
    resized,
    trunk,
    without_five,
)

# The factor of NN2's widths, their divisor, and the units of fc1.
NNS1 = (Fraction(7, 16), 4, 1728)
NNS2 = (Fraction(1, 8), 8, 1600)


@common(165, 165, 3)
def FaceNetNNS1(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = (165, 165, 3),
    include_top: bool = False,
    classes: int | None = None,
    name: str = "facenet_nns1",
    classifier_activation: "str | None" = "softmax",
    use_bias: bool = False,
    width: float = 1.0,
) -> keras.Model:
    """Builds a reconstruction of FaceNet's NNS1, for 165 x 165 pixels.

    Its table was never published, only 26 million weights and 220 million
    multiplications. Here it is NN4 with 7/16 of the widths and a dense layer
    of 1,728 units on the whole last map, as NN1 has: 25.9 and 222.6 million.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.FaceNetNNS1().count_params()
    25875860

    Reference:
        [FaceNet](https://arxiv.org/abs/1503.03832) (Schroff et al., 2015),
        section 3.3.
    """
    arguments = Backbone(
        "FaceNetNNS1",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
    )
    return small(arguments, without_five(NN2, HIGHER), *NNS1, use_bias)


@common(140, 116, 3)
def FaceNetNNS2(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = (140, 116, 3),
    include_top: bool = False,
    classes: int | None = None,
    name: str = "facenet_nns2",
    classifier_activation: "str | None" = "softmax",
    use_bias: bool = False,
    width: float = 1.0,
) -> keras.Model:
    """Builds a reconstruction of FaceNet's NNS2, for 140 x 116 pixels.

    Its table was never published, only 4.3 million weights and 20 million
    multiplications. Here it is NN2 with 1/8 of the widths and a dense layer
    of 1,600 units on the whole last map, as NN1 has: 4.4 and 19.2 million.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.FaceNetNNS2().count_params()
    4433816

    Reference:
        [FaceNet](https://arxiv.org/abs/1503.03832) (Schroff et al., 2015),
        section 3.3, which says 140 x 116: height x width here.
    """
    arguments = Backbone(
        "FaceNetNNS2",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
    )
    return small(arguments, NN2, *NNS2, use_bias)


def small(
    arguments: Backbone,
    modules: Sequence[Module],
    factor: Fraction,
    multiple: int,
    units: int,
    bias: bool,
) -> keras.Model:
    """NN2 with a share of its widths, and a dense layer on the last map.

    Args:
        arguments: Of the function.
        modules: The table.
        factor, multiple: As in `share`.
        units: Of the dense layer.
        bias: Whether layers have one.
    """

    def scaled(width: int) -> int:
        return share(width, factor, multiple)

    inputs = arguments.input(channels=3, smallest=SMALLEST_SIDE)
    stem = [scaled(width) for width in STEM]
    x = trunk(arguments, inputs, stem, resized(modules, scaled), bias)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(
        arguments.channels(units),
        activation="relu",
        use_bias=bias,
        kernel_initializer="he_normal",
        name="fc1",
    )(x)
    return embedded(arguments, inputs, x, "fc", bias)


def share(width: int, factor: Fraction, multiple: int) -> int:
    """A part of a width.

    Args:
        width: That of NN2.
        factor: By what it is multiplied.
        multiple: Of what it is made the nearest multiple, and what it is at
            the least.
    """
    return max(int(width * factor / multiple + Fraction(1, 2)), 1) * multiple
