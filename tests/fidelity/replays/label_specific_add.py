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

    The recorded bottom becomes cosines: the feature is the first axis, and
    column j of the kernel has the j-th value along it, the rest on an axis of
    its own. In Caffe's gradient the first row is that by the cosines.
    """
    cosines, labels = z.float32("bottom0"), z.labels("bottom1")
    units = cosines.shape[1]
    head = AMSoftmax(units, margin=margin, scale=1.0, gradient="caffe")
    x = np.eye(1, 1 + units, dtype="float32")
    head.build(x.shape)
    training = z.meta["phase"] == "TRAIN"
    tops, bottoms = [], []
    for row, label, upstream in zip(
        cosines, labels, z[f"{prefix}top_diff0"], strict=True
    ):
        rest = np.diag(np.sqrt(1 - row.astype("float64") ** 2))
        head.kernel.assign(np.concatenate([row[None], rest]))
        result = backward(
            lambda x, label=label: head(
                x, labels=label[None], training=training
            ),
            [x],
            upstream[None],
            [head.kernel],
        )
        tops.append(result.outputs[0])
        bottoms.append(result.variables[0][0])
    return {
        f"{prefix}top0": (np.array(tops), z[f"{prefix}top0"]),
        f"{prefix}bottom_diff0": (
            np.array(bottoms),
            z[f"{prefix}bottom_diff0"],
        ),
    }
