"""The layers of a network that have been built → a Keras model."""

import functools
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_hypersphere.backend.keras_internals import is_read, producer
from keras_hypersphere.tools.caffe.building.deep import follow
from keras_hypersphere.tools.caffe.building.keras_layers import Build
from keras_hypersphere.tools.caffe.names import Names
from keras_hypersphere.tools.caffe.network.preprocessing import Preprocessing
from keras_hypersphere.tools.caffe.record import make_record, recorded_config

# Names that TensorFlow accepts inside a compiled function.
SCOPE = re.compile(r"[A-Za-z0-9_.\\/>-]+")


def describe(
    steps: Mapping[str, Preprocessing], build: Build
) -> dict[str, dict[str, Any]]:
    """What is done to the images of each input, by whom."""
    done = {n: s for n, s in build.steps.items() if s.shifts_or_scales}
    return {
        "preprocessing": {
            name: (step.left_to_do() if name in done else step).to_dict()
            for name, step in steps.items()
        },
        "preprocessing_in_model": {n: s.in_model() for n, s in done.items()},
    }


def assemble(
    name: str, build: Build, steps: Mapping[str, Preprocessing]
) -> keras.Model:
    """Makes the model, and notes the original names in it.

    Args:
        name: The network's.
        build: Its layers.
        steps: What is done to the images of each input.
    """
    graph, inputs = build.graph, build.inputs
    given = {id(tensor) for tensor in inputs}
    outputs = []
    for number in graph.outputs:
        tensor = build.tensors[number]
        if id(tensor) in given:
            # Keras 3.12 refuses an input that no layer reads.
            label = build.claimed.claim(f"{graph.values[number]}_output")
            tensor = keras.layers.Identity(name=label)(tensor)
        outputs.append(tensor)
    outputs[0] = connect(outputs[0], inputs, build.claimed)
    make = functools.partial(
        keras.Model,
        inputs[0] if len(inputs) == 1 else inputs,
        outputs[0] if len(outputs) == 1 else outputs,
        # This name is free, and TensorFlow wants it plain.
        name=re.sub(r"[^A-Za-z0-9_]", "_", name).lstrip("_") or None,
    )
    model = follow(make, build.file)
    run_odd_names(model)
    model.output_names = [graph.values[number] for number in graph.outputs]
    record = make_record(build, describe(steps, build))
    take_original_names(model, list(record["inputs"]))
    own_config = model.get_config
    # A subclass could not be loaded without this package. Keras skips keys
    # that it does not know.
    model.get_config = functools.partial(recorded_config, own_config, record)
    return model


def connect(output: Any, inputs: Sequence[Any], names: Names) -> Any:
    """The output, less the sum of no cells of each input that no layer reads.

    The second bottom of a Crop only tells a size, and Keras 3.12 refuses an
    input that leads nowhere.
    """
    for tensor in inputs:
        source = producer(tensor)
        if is_read(source):
            continue
        for function, *arguments in (
            # A new last axis: the size of the batch is not known.
            (keras.ops.expand_dims, -1),
            (keras.ops.split, [0], -1),
            (keras.ops.sum,),
            (functools.partial(keras.ops.subtract, output),),
        ):
            tensor = function(tensor, *arguments)
            tensor = tensor[0] if isinstance(tensor, list) else tensor
            step = producer(tensor)
            step.name = names.claim(f"{source.name}_unread")
        output = tensor
    return output


def take_original_names(model: keras.Model, names: Sequence[str]) -> None:
    """Lets a dict of inputs have Caffe's names, with `/` and `.` too.

    A loaded model has only the names that Keras could save.
    """
    if names == [tensor.name for tensor in model.inputs]:
        return
    specs = model.input_spec
    for tensor, spec, name in zip(model.inputs, specs, names, strict=True):
        tensor.name = spec.name = name
    model.input_spec = specs


def run_odd_names(model: keras.Model) -> None:
    """Lets `predict` work where a layer's name has blanks or other signs.

    TensorFlow takes such names only outside of compiled functions.
    """
    odd = [op.name for op in model.operations if not SCOPE.fullmatch(op.name)]
    if odd and keras.backend.backend() == "tensorflow":
        model.run_eagerly = True
        warnings.warn(
            f"TensorFlow cannot compile layers named {odd}; the model runs "
            "eagerly. Rename them in the prototxt and the caffemodel to "
            "export it",
            stacklevel=2,
        )
