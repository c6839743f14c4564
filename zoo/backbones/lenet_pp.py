"""LeNet++, the network for digits of the center loss's authors."""

import os

import keras
from keras import layers

from keras_hypersphere.zoo.backbones.backbone import Backbone, network
from keras_hypersphere.zoo.backbones.caffe_blocks import (
    conv,
    dense,
    flatten,
    halve,
    prelu,
)

INPUT_SHAPE = (28, 28, 1)
SMALLEST_SIDE = 12
CLASSES = 10
# TensorFlow compiles no layer with a + in its name.
CAFFE_NAMES = {
    f"{kind}{stage}_plus": f"{kind}{stage}+"
    for kind in ("conv", "prelu")
    for stage in (1, 2, 3)
}


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE,
    dim=2,
    original=".caffemodel",
    top=", a dense layer without bias",
    classes=CLASSES,
)
def LeNetPlusPlus(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "lenet_pp",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds LeNet++, whose embeddings of digits are points of a plane.

    Three times two convolutions and a pooling, each with a slope a channel,
    and a dense layer, `ip1`, of 2 numbers with slopes; 0.8 million
    parameters. It takes gray, values / 256.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> model = kh.zoo.LeNetPlusPlus(include_top=True)
    >>> model.output_shape, model.count_params()
    ((None, 10), 797624)

    Reference:
        [A Discriminative Feature Learning Approach for Deep Face
        Recognition](https://ydwen.github.io/papers/WenECCV16.pdf) (Wen et
        al., 2016), table 1, and `mnist_example` of the authors' repository.
        Its layers `conv1+`, `prelu1+` ... are `conv1_plus`, `prelu1_plus`
        here.
    """
    arguments = Backbone(
        "LeNetPlusPlus",
        weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
        published_classes=CLASSES,
        caffe_names=CAFFE_NAMES,
    )
    inputs = x = arguments.input(channels=1, smallest=SMALLEST_SIDE)
    for stage, filters in enumerate((32, 64, 128), start=1):
        for part in (f"{stage}", f"{stage}_plus"):
            x = conv(x, arguments.channels(filters), 5, f"conv{part}", pad=2)
            x = prelu(x, f"prelu{part}")
        pool = halve if stage < 3 else pool_of_three
        x = pool(x, f"pool{stage}")
    x = dense(flatten(x, "ip1_flatten"), arguments.channels(2), "ip1")
    x = prelu(x, "preluip1")
    if arguments.include_top:
        x = dense(x, arguments.units, "ip2", bias=None)
        x = arguments.activate(x)
    return arguments.model(inputs, x)


def pool_of_three(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """MAX over 3 x 3 with stride 2; Caffe rounds up.

    Along a side of even size the last window is cut off, which is Keras'
    `"same"`; along an odd one all are whole, which is `"valid"`.
    """
    rows, columns = ("valid" if n % 2 else "same" for n in x.shape[1:3])
    if rows == columns:
        return layers.MaxPooling2D(3, strides=2, padding=rows, name=name)(x)
    x = layers.MaxPooling2D(
        (3, 1), strides=(2, 1), padding=rows, name=f"{name}_rows"
    )(x)
    return layers.MaxPooling2D(
        (1, 3), strides=(1, 2), padding=columns, name=name
    )(x)
