"""dlib's face recognition network, `DlibResNet`."""

import os
from pathlib import Path

import keras
import numpy as np
from keras import layers

from keras_hypersphere.layers.channel_affine import ChannelAffine
from keras_hypersphere.layers.zero_extended_add import ZeroExtendedAdd
from keras_hypersphere.zoo.backbones.backbone import Backbone, network
from keras_hypersphere.zoo.loading.dlib_file import DlibFormatError, read_dlib
from keras_hypersphere.zoo.loading.weight_files import require_file
from keras_hypersphere.zoo.loading.weights import set_weights

INPUT_SHAPE = (150, 150, 3)
DIM = 128
# Below it, the last unit has nothing left to convolve.
SMALLEST_SIDE = 103

# A stage: filters, and whether its first unit halves the map.
STAGES = (
    ((32, False), (32, False), (32, False)),
    ((64, True), (64, False), (64, False), (64, False)),
    ((128, True), (128, False), (128, False)),
    ((256, True), (256, False), (256, False)),
    ((256, True),),
)


@network(
    shape=INPUT_SHAPE,
    smallest=SMALLEST_SIDE,
    dim=DIM,
    original=".dat",
)
def DlibResNet(
    weights: "str | os.PathLike | None" = None,
    input_shape: tuple[int, int, int] = INPUT_SHAPE,
    include_top: bool = False,
    classes: int | None = None,
    name: str = "dlib_resnet",
    classifier_activation: "str | None" = "softmax",
    width: float = 1.0,
) -> keras.Model:
    """Builds dlib's face recognition network, a residual network.

    29 convolutions and a dense layer without bias give an embedding of 128
    numbers, which is compared by Euclidean distance; 5.6 million parameters.
    Its normalization is frozen into a scale and a shift for every channel
    (`ChannelAffine`), and its residual connections have no weights: what a
    unit's input lacks in size is extended by zeros (`ZeroExtendedAdd`).

    Feed it `preprocess_input(crops, get_card("dlib-resnet"))`. To turn
    photos into embeddings use `FaceEmbedder`.

    {arguments}

    {result}

    Example:

    >>> import keras_hypersphere as kh
    >>> model = kh.zoo.DlibResNet()
    >>> model.output_shape, model.count_params()
    ((None, 128), 5614592)

    Reference:
        - [dlib-models](https://github.com/davisking/dlib-models) (King),
          `dlib_face_recognition_resnet_model_v1`, after
          [Deep Residual Learning](https://arxiv.org/abs/1512.03385) (He et
          al., 2015) with fewer layers and half the filters.
    """
    original = None
    if weights is not None and str(weights).lower().endswith(".dat"):
        original = Path(weights)
        require_file(original)
    arguments = Backbone(
        "DlibResNet",
        None if original else weights,
        input_shape,
        include_top,
        classes,
        name,
        classifier_activation,
        width,
    )
    inputs = arguments.input(channels=3, smallest=SMALLEST_SIDE)
    stem = layers.Conv2D(arguments.channels(32), 7, strides=2, name="stem_conv")
    x = stem(inputs)
    x = ChannelAffine(name="stem_affine")(x)
    x = layers.ReLU(name="stem_relu")(x)
    x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    for stage, units in enumerate(STAGES, start=1):
        for unit, (filters, halve) in enumerate(units, start=1):
            part = f"stage{stage}_unit{unit}"
            x = residual_unit(x, arguments.channels(filters), halve, part)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(arguments.channels(DIM), use_bias=False, name="embedding")(
        x
    )
    if include_top:
        x = layers.Dense(arguments.units, name="predictions")(x)
        x = arguments.activate(x)
    model = arguments.model(inputs, x)
    if original:
        load_dlib(model, original)
    return model


def residual_unit(
    x: keras.KerasTensor, filters: int, halve: bool, name: str
) -> keras.KerasTensor:
    """Two convolutions and the addition of what came in."""
    shortcut = x
    if halve:
        x = layers.Conv2D(filters, 3, strides=2, name=f"{name}_conv1")(x)
        shortcut = layers.AveragePooling2D(2, name=f"{name}_pool")(shortcut)
    else:
        x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv1")(x)
    x = ChannelAffine(name=f"{name}_affine1")(x)
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv2")(x)
    x = ChannelAffine(name=f"{name}_affine2")(x)
    x = ZeroExtendedAdd(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu2")(x)


def load_dlib(model: keras.Model, path: "str | os.PathLike") -> None:
    """Sets the weights of a `DlibResNet` from dlib's original file.

    Args:
        model: `DlibResNet()` without a classifier.
        path: `dlib_face_recognition_resnet_model_v1.dat`.

    Raises:
        FileNotFoundError: If there is no such file.
        DlibFormatError: If the file is damaged or of another network.
    """
    kinds = {layers.Conv2D: "con", ChannelAffine: "affine", layers.Dense: "fc"}
    targets = [layer for layer in model.layers if type(layer) in kinds]
    sources = read_dlib(path)
    if [kinds[type(t)] for t in targets] != [s.kind for s in sources]:
        raise DlibFormatError(
            f"'{path}' holds another network: {len(sources)} layers with "
            f"parameters, DlibResNet has {len(targets)}."
        )
    values = {}
    for target, source in zip(targets, sources, strict=True):
        sizes = sum(int(np.prod(w.shape)) for w in target.weights)
        if source.values.size != sizes:
            raise DlibFormatError(
                f"'{path}' holds another network: {source.values.size} "
                f"parameters for the layer {target.name}, which has {sizes}."
            )
        for variable, array in zip(
            target.weights, split(source.values, target), strict=True
        ):
            values[f"{target.name}/{variable.name}"] = array
    set_weights(model, values, origin=str(path))


def split(values: np.ndarray, layer: layers.Layer) -> list[np.ndarray]:
    """Turns dlib's parameters of a layer into its Keras weights."""
    if isinstance(layer, layers.Dense):
        return [values]
    if isinstance(layer, ChannelAffine):
        return np.split(values, 2)
    height, width, channels, filters = layer.kernel.shape
    kernel = values[:-filters].reshape(filters, channels, height, width)
    return [kernel.transpose(2, 3, 1, 0), values[-filters:]]
