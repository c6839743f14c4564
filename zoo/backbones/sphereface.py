"""SphereFace's networks, `SphereFace4` to `SphereFace64`."""

import os
from collections.abc import Callable, Sequence

import keras
from keras import layers

from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.zoo.backbones.backbone import Backbone, Network, network
from keras_hypersphere.zoo.backbones.caffe_blocks import (
    conv,
    dense,
    flatten,
    gaussian,
    prelu,
    xavier,
)

INPUT_SHAPE = (112, 96, 3)
SMALLEST_SIDE = 16
# Identities of CASIA-WebFace without three that LFW has too.
CLASSES = 10572

VARIANT = """
        variant: `"paper"`, or `"caffe"` for the released prototxt. Default:
            `"paper"`."""


def common(more: str = "") -> Callable[[Network], Network]:
    """What the docstrings share; `more` is of further arguments."""
    return network(
        shape=INPUT_SHAPE,
        smallest=SMALLEST_SIDE,
        dim=512,
        original=".caffemodel",
        top=": A-Softmax's lengths times cosines",
        classes=CLASSES,
        more=more,
    )


@common()
def SphereFace4(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "sphereface4",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds SphereFace's network of 4 convolutions.

    Each of them halves the map; 12.6 million parameters, most of them in
    the dense layer `fc5`, which gives the embedding of 512 numbers.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> model = kh.zoo.SphereFace4()
    >>> model.output_shape, model.count_params()
    ((None, 512), 12562496)

    Reference:
        [SphereFace](https://arxiv.org/abs/1704.08063) (Liu et al., 2017),
        table 2; its authors published no prototxt of this depth, and names
        are those of the 20-layer one. See `SphereFace20`.
    """
    arguments = Backbone(
        "SphereFace4",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES,
        caffe_names={},
    )
    return sphereface(arguments, (0, 0, 0, 0))


@common()
def SphereFace10(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "sphereface10",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds SphereFace's network of 10 convolutions.

    3 residual units behind 4 convolutions that halve the map; 15.2 million
    parameters, 512 numbers an embedding.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.SphereFace10().count_params()
    15219264

    Reference:
        [SphereFace](https://arxiv.org/abs/1704.08063) (Liu et al., 2017),
        table 2; its authors published no prototxt of this depth, and names
        are those of the 20-layer one. See `SphereFace20`.
    """
    arguments = Backbone(
        "SphereFace10",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES,
        caffe_names={},
    )
    return sphereface(arguments, (0, 1, 2, 0))


@common()
def SphereFace20(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "sphereface20",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds SphereFace's network of 20 convolutions, the published one.

    8 residual units behind 4 convolutions that halve the map, a slope for
    each channel behind every convolution, and a dense layer, `fc5`, that
    gives the embedding of 512 numbers; 22.7 million parameters. It takes
    BGR, `(values - 127.5) / 128`.

    Train it with the margin by `MarginModel(SphereFace20(), ASoftmax(...))`.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.SphereFace20().count_params()
    22670656

    Reference:
        [SphereFace](https://arxiv.org/abs/1704.08063) (Liu et al., 2017),
        and `sphereface_model.prototxt` of the authors' repository, of which
        `weights` may be the caffemodel. There the biases inside residual
        units never learn: `CaffeSGD(multipliers={"conv?_1/bias": (2, 0),
        "fc5/bias": (2, 0), "bias": (0, 0)})` does so here.
    """
    arguments = Backbone(
        "SphereFace20",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES,
        caffe_names={},
    )
    return sphereface(arguments, (1, 2, 4, 1))


@common()
def SphereFace36(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "sphereface36",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds SphereFace's network of 36 convolutions.

    16 residual units behind 4 convolutions that halve the map; 32.8 million
    parameters, 512 numbers an embedding.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.SphereFace36().count_params()
    32778816

    Reference:
        [SphereFace](https://arxiv.org/abs/1704.08063) (Liu et al., 2017),
        table 2; its authors published no prototxt of this depth, and names
        are those of the 20-layer one. See `SphereFace20`.
    """
    arguments = Backbone(
        "SphereFace36",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES,
        caffe_names={},
    )
    return sphereface(arguments, (2, 4, 8, 2))


@common(VARIANT)
def SphereFace64(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "sphereface64",
    classifier_activation: "str | None" = "softmax",
    variant: str = "paper",
    width: float = 1.0,
) -> keras.Model:
    """Builds SphereFace's network of 64 convolutions.

    30 residual units behind 4 convolutions that halve the map; 48.2 million
    parameters, 512 numbers an embedding. The prototxt that its authors
    released has 7 units in the second stage, not the paper's 8, and so 62
    convolutions: `variant="caffe"`.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.SphereFace64(variant="caffe").count_params()
    47905088

    Reference:
        [SphereFace](https://arxiv.org/abs/1704.08063) (Liu et al., 2017),
        table 2, and `Sphereface-64` of the authors' repository. See
        `SphereFace20`.
    """
    units = {"paper": (3, 8, 16, 3), "caffe": (3, 7, 16, 3)}
    if variant not in units:
        raise ValueError(
            '`variant` must be "paper" or "caffe", the prototxt that the '
            f"authors released. Received: variant={variant!r}"
        )
    arguments = Backbone(
        "SphereFace64",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES,
        caffe_names={},
    )
    return sphereface(arguments, units[variant])


def sphereface(arguments: Backbone, units: Sequence[int]) -> keras.Model:
    """The network of any depth.

    Args:
        arguments: Of the function.
        units: Residual units of each stage.
    """
    inputs = x = arguments.input(channels=3, smallest=SMALLEST_SIDE)
    for stage, count in enumerate(units, start=1):
        filters = arguments.channels(64 * 2 ** (stage - 1))
        x = conv(x, filters, 3, f"conv{stage}_1", stride=2, pad=1)
        x = prelu(x, f"relu{stage}_1")
        for number in range(2, 2 * count + 2, 2):
            x = residual_unit(x, stage, number)
    x = dense(flatten(x, "fc5_flatten"), arguments.channels(512), "fc5")
    if arguments.include_top:
        logits = CosineDense(
            arguments.units,
            normalize_inputs=False,
            kernel_initializer=xavier(),
            name="fc6",
        )(x)
        x = arguments.activate(logits)
    return arguments.model(inputs, x)


def residual_unit(
    x: keras.KerasTensor, stage: int, number: int
) -> keras.KerasTensor:
    """Two convolutions with slopes, and the addition of what came in.

    Args:
        x: The input, whose channels are kept.
        stage: Begins the names of its layers.
        number: That of the first convolution; the second is the next.
    """
    shortcut = x
    for index in (number, number + 1):
        x = conv(
            x,
            shortcut.shape[-1],
            3,
            f"conv{stage}_{index}",
            pad=1,
            weights=gaussian(0.01),
        )
        x = prelu(x, f"relu{stage}_{index}")
    # Nothing is between the sum and the next convolution.
    return layers.Add(name=f"res{stage}_{number + 1}")([shortcut, x])
