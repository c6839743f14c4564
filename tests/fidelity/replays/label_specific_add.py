"""`LabelSpecificAdd` -> `AMSoftmax`, through the whole head."""

import numpy as np

from keras_hypersphere.layers.am_softmax import AMSoftmax
from tests.fidelity.recording import NoCounterpart, Recording
from tests.fidelity.replays.upstream import backward


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, parameter = recording, recording.layer().label_specific_add_param
    training = z.meta["phase"] == "TRAIN"
    if training and parameter.HasField("bias_base"):
        raise NoCounterpart("our margins have no bias that moves by itself")
    arrays = {}
    for p in z.prefixes:
        arrays |= step(z, p, margin=-parameter.bias)
        if f"{p}top1" in z:
            bias = np.array([-AMSoftmax(2, margin=-parameter.bias).margin])
            arrays[f"{p}top1"] = (bias, z[f"{p}top1"])
    return arrays


def step(
    z: Recording, prefix: str, margin: float
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """One step, whose margin is given.

    The recorded bottom becomes cosines: every feature is the first axis, and
    each entry of the bottom has a class of its own, whose vector has that
    entry along the first axis and the rest on one more axis. In Caffe's
    gradient the first row of the kernel's is that by the cosines.
    """
    cosines, labels = z.float32("bottom0"), z.labels("bottom1")
    samples, classes = cosines.shape
    units = cosines.size
    head = AMSoftmax(units, margin=margin, scale=1.0, gradient="caffe")
    x = np.eye(1, 1 + units, dtype="float32").repeat(samples, axis=0)
    head.build(x.shape)
    flat = cosines.ravel().astype("float64")
    head.kernel.assign(
        np.concatenate([flat[None], np.diag(np.sqrt(1 - flat**2))])
    )
    # Sample i looks at the i-th row of the bottom.
    own = np.arange(samples)
    upstream = np.zeros((samples, samples, classes))
    upstream[own, own] = z[f"{prefix}top_diff0"]
    training = z.meta["phase"] == "TRAIN"
    result = backward(
        lambda x: head(x, labels=own * classes + labels, training=training),
        [x],
        upstream.reshape(samples, units),
        [head.kernel],
    )
    tops = result.outputs.reshape(samples, samples, classes)[own, own]
    bottoms = result.variables[0][0].reshape(samples, classes)
    return {
        f"{prefix}top0": (tops, z[f"{prefix}top0"]),
        f"{prefix}bottom_diff0": (bottoms, z[f"{prefix}bottom_diff0"]),
    }
