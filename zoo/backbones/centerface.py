"""CenterFace, the network of the center loss's authors."""

import os

import keras

from keras_hypersphere.zoo.backbones.backbone import Backbone, network
from keras_hypersphere.zoo.backbones.caffe_blocks import (
    conv,
    dense,
    flatten,
    halve,
    prelu,
)
from keras_hypersphere.zoo.backbones.sphereface import residual_unit

INPUT_SHAPE = (112, 96, 3)
SMALLEST_SIDE = 33
CLASSES = 10572
# Filters, and the residual units behind the pooling, of stages 2 to 5.
STAGES = ((64, 1), (128, 2), (256, 5), (512, 3))


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE,
    dim=512,
    original=".caffemodel",
    classes=CLASSES,
)
def CenterFace(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "centerface",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds CenterFace: 27 convolutions with pooling between the stages.

    11 residual units, as SphereFace's, but the map is halved by pooling
    behind convolutions without padding; a dense layer, `fc5`, gives the
    embedding of 512 numbers; 27.5 million parameters. It takes BGR,
    `(values - 127.5) / 128`.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> kh.zoo.CenterFace().count_params()
    27543072

    Reference:
        [A Discriminative Feature Learning Approach for Deep Face
        Recognition](https://ydwen.github.io/papers/WenECCV16.pdf) (Wen et
        al., 2016), and `face_deploy.prototxt` of the authors' repository,
        which differs from the paper's figure: no features of two stages are
        joined. Its biases inside residual units never learn, as
        SphereFace's.
    """
    arguments = Backbone(
        "CenterFace",
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
    inputs = x = arguments.input(channels=3, smallest=SMALLEST_SIDE)
    x = prelu(conv(x, arguments.channels(32), 3, "conv1a"), "relu1a")
    for stage, (filters, units) in enumerate(STAGES, start=2):
        part = "1b" if stage == 2 else f"{stage - 1}"
        x = conv(x, arguments.channels(filters), 3, f"conv{part}")
        x = prelu(x, f"relu{part}")
        x = halve(x, f"pool{part}")
        for number in range(1, 2 * units + 1, 2):
            x = residual_unit(x, stage, number)
    x = dense(flatten(x, "fc5_flatten"), arguments.channels(512), "fc5")
    if arguments.include_top:
        x = arguments.activate(dense(x, arguments.units, "fc6"))
    return arguments.model(inputs, x)
