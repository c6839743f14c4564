"""Caffe's files → a Keras model, and whether it is right: one call each."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import keras

from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork
from keras_hypersphere.tools.caffe.network.rules import make_state
from keras_hypersphere.tools.caffe.verification.report import Verification


def to_keras(
    prototxt: str | PathLike,
    caffemodel: str | PathLike | None = None,
    outputs: Sequence[str] | None = None,
    phase: str = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    preprocessing: bool = False,
) -> keras.Model:
    """Converts a Caffe network.

    Args:
        prototxt: The network's description, text or binary.
        caffemodel: Its weights: binary, text or HDF5. Layers that it does
            not hold, and all layers if it is None, start from their fillers.
        outputs: Names of the blobs that the model returns, in this order.
            What they do not need is left out. Default: the blobs that no
            layer reads, in alphabetical order, as in pycaffe.
        phase: `"TEST"`, or `"TRAIN"` for a model that trains: labels are
            inputs, heads and losses are layers, and losses are added with
            their weights, so `model.compile(optimizer)` and `model.fit({
            "data": x, "label": y})` do. `"TEST"` leaves losses, accuracies
            and labels out; what they read is an output.
        stages: Stages that are set, for layers with stage rules.
        level: Level, for layers with level rules.
        input_shapes: Shapes of inputs by blob name, channels-last and
            without the batch: `{"data": (112, 96, 3)}`. For data layers
            that do not say, for inputs of another size, and to cut the
            network: any other blob of this name becomes an input, and the
            layers that make it go.
        preprocessing: Whether the model begins with what the data layer
            does to images: subtracting the mean, then multiplying. It takes
            images of 0 to 255 then, blue first, resized and cropped. The
            `mean_file` that the layer names is read.

    Returns:
        A functional model, channels-last, with a free batch size. Layers
        have the names of Caffe's layers (`/` becomes `__`), inputs and
        `output_names` those of Caffe's blobs (a loaded model's output_names
        are those of Keras layers). One output is a tensor, several are a
        list. `name_map(model)` gives the original names.

    Raises:
        FileNotFoundError: If a file does not exist.
        CaffeFormatError: If the files are broken or do not fit each other,
            or the caffemodel holds the weights of not one layer.
        UnsupportedLayerError: If a layer cannot be converted exactly.

    Example:

    >>> from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
    >>> model = kh.tools.caffe.to_keras(PROTOTXT, CAFFEMODEL)
    >>> model.input_shape, model.output_names
    ((None, 28, 28, 1), ['prob'])
    """
    network = CaffeNetwork.read(
        prototxt, caffemodel, outputs, phase, stages, level, input_shapes
    )
    return network.to_keras(preprocessing)


def verify(
    model: keras.Model | str | PathLike,
    prototxt: str | PathLike,
    caffemodel: str | PathLike | None = None,
    inputs: object = None,
    outputs: Sequence[str] | None = None,
    phase: str = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
) -> Verification:
    """Compares every blob of a model with what the original files say.

    The oracle is OpenCV 4's Caffe importer where it is installed and can run
    the network. Where it cannot, or is known to be wrong, it is the float64
    reference of each layer type, which is tested on recordings of real
    Caffe. Each row of the report names its oracle; a blob that neither can
    make is unchecked, which is never a pass. A layer whose weights are not
    the file's differs, even if these inputs do not show it, and so does an
    output that is not its blob.

    Args:
        model: What `to_keras` returned, or what `keras.models.load_model`
            made of it after it was saved, or the path of the saved file. Its
            own activations are read.
        prototxt: The original description.
        caffemodel: The original weights.
        inputs: What to run: an array, or a dict by blob name, in the model's
            layout (channels-last). Default: noise of a fixed seed.
        outputs, phase, stages, level, input_shapes: As they were given to
            `to_keras`.

    Returns:
        A table: `print` shows it, `passed` says whether every blob was
        checked and agrees to 1e-4 of its range, or to 1e-6 of its largest
        number where the range is so narrow that float32 holds no more.

    Raises:
        TypeError: If `model` is neither a model nor a path.
        ValueError: If the model has other inputs or outputs than the files
            say, or `inputs` do not fit it.

    Example:

    >>> from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
    >>> model = kh.tools.caffe.to_keras(PROTOTXT, CAFFEMODEL)
    >>> report = kh.tools.caffe.verify(model, PROTOTXT, CAFFEMODEL)
    >>> report.passed
    True
    """
    network = CaffeNetwork.read(
        prototxt, caffemodel, outputs, phase, stages, level, input_shapes
    )
    return network.verify(model, inputs)


def make_card(
    path: str | PathLike,
    prototxt: str | PathLike,
    caffemodel: str | PathLike | None = None,
    report: Verification | None = None,
    phase: str = "TEST",
    stages: Sequence[str] = (),
    level: int = 0,
) -> dict[str, Any]:
    """Describes a converted model; see `CaffeNetwork.card`.

    Args:
        path: The `.keras` file that a converted model was saved to.
        prototxt, caffemodel: The original files.
        report: What `verify` said.
        phase, stages, level: As they were given to `to_keras`.

    Example:

    >>> from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "lenet.keras"
    >>> kh.tools.caffe.to_keras(PROTOTXT, CAFFEMODEL).save(path)
    >>> card = kh.tools.caffe.make_card(path, PROTOTXT, CAFFEMODEL)
    >>> card["multiply_adds"]
    17575744
    """
    state = make_state(phase, stages, level)
    return CaffeNetwork.open(prototxt, caffemodel, state).card(path, report)
