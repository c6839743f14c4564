"""Whether a model has the weights of the file, also those that noise hides.

Activations prove what weights do, but not all of them act on a given input:
a slope of a PReLU only where its channel is negative, a kernel only where
what it reads is not zero.
"""

import keras
import numpy as np

from keras_hypersphere.tools.caffe.verification.probe import Record
from keras_hypersphere.tools.caffe.verification.report import TOLERANCE, compare


def changed_weights(
    model: keras.Model, fresh: keras.Model, record: Record
) -> dict[str, str]:
    """What is wrong with the weights of each Caffe layer; nothing if none is.

    Args:
        model: The model in question.
        fresh: What the files are converted to now.
        record: The `name_map` of `fresh`.

    Returns:
        A sentence by the name of the layer. Layers that the caffemodel does
        not hold, and Keras layers that `model` lacks, are passed over.
    """
    present = {layer.name: layer for layer in model.layers}
    faults = {}
    for layer in record["layers"]:
        if layer["filled"]:
            continue
        for name in layer["holders"]:
            if name not in present or layer["name"] in faults:
                continue
            fault = difference(present[name], fresh.get_layer(name))
            if fault:
                faults[layer["name"]] = fault
    return faults


def difference(mine: keras.layers.Layer, theirs: keras.layers.Layer) -> str:
    """The first weight that differs, in words; empty if none does."""
    if len(mine.weights) != len(theirs.weights):
        return (
            f"has {len(mine.weights)} weights, and the file makes "
            f"{len(theirs.weights)}"
        )
    for ours, wanted in zip(mine.weights, theirs.weights, strict=True):
        if not keras.backend.is_float_dtype(wanted.dtype):
            continue  # A counter of steps.
        values, expected = (
            np.asarray(keras.ops.convert_to_numpy(v)) for v in (ours, wanted)
        )
        _, relative, reason = compare(values, expected)
        if relative is None:
            return f"weight {ours.name!r} is not the file's: {reason}"
        if relative > TOLERANCE:
            return (
                f"weight {ours.name!r} is not the file's: off by "
                f"{relative:.1e} of its range"
            )
    return ""
