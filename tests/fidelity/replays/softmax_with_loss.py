"""`SoftmaxWithLoss` -> `SoftmaxCrossEntropy`.

Pixels and other positions are samples: ours has one axis of them.
"""

from typing import Any

import numpy as np
from keras import ops

from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from keras_hypersphere.testing.gradients import gradients
from tests.fidelity.recording import NoCounterpart, Recording

# Where a float32 probability underflows, Caffe's loss ends.
UNDERFLOW = -np.log(np.finfo("float32").tiny, dtype="float64")
FULL, VALID, BATCH_SIZE, NONE = range(4)


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, settings = recording, recording.layer().softmax_param
    refuse_what_is_not_ours(z, settings)
    bottom = z.float32("bottom0")
    axis = settings.axis
    logits = np.moveaxis(bottom, axis, -1)
    labels = z.labels("bottom1")
    weights = sample_weights(z, labels)
    reduction, divisor = normalization(z)
    ignored = None
    if z.layer().loss_param.HasField("ignore_label"):
        ignored = z.layer().loss_param.ignore_label
        if reduction == "sum_over_batch_size" and not counts_valid(z):
            # FULL counts them too: no weight, no loss, and no change of mean.
            weights = (labels != ignored).astype("float32")
            ignored = None
    loss = SoftmaxCrossEntropy(
        label_smoothing=smoothing(z, logits.shape[-1]),
        ignore_class=ignored,
        reduction=reduction,
        maximum=UNDERFLOW,
    )
    share = (*z.layer().loss_weight, 1.0)[0]

    def function(x):
        rows = ops.reshape(x, (-1, logits.shape[-1]))
        value = loss(labels, rows, sample_weight=weights) / divisor
        return share * value, value

    result = gradients(function, [logits])
    found = {
        "top0": result.outputs,
        "loss": result.value,
        "bottom_diff0": np.moveaxis(result.inputs[0], -1, axis),
    }
    return {key: (array, z[key]) for key, array in found.items()}


def refuse_what_is_not_ours(z: Recording, settings: Any) -> None:
    if settings.normalize_type != "Softmax":
        raise NoCounterpart("a cross-entropy of what is no softmax")
    # The CPU code reads none of these.
    mined = (
        settings.HasField("cutting_point")
        or settings.HasField("hard_mining_label")
        or settings.hard_ratio != 1
    )
    if z.meta["emulated"] and mined:
        raise NoCounterpart("our losses keep easy samples")


def smoothing(z: Recording, classes: int) -> float:
    """The wrong classes alone share Caffe's factor, all share Keras's."""
    factor = z.layer().softmax_param.label_smooth_factor
    return factor * classes / (classes - 1) if z.meta["emulated"] else 0.0


def sample_weights(z: Recording, labels: np.ndarray) -> np.ndarray | None:
    """The third bottom, times the weight of the sample's class."""
    if "bottom2" not in z:
        return None
    weights = z.float32("bottom2").ravel()
    of_classes = z.layer().softmax_param.class_weight
    if of_classes:
        weights = weights * np.array(of_classes, "float32")[labels]
    return weights


def counts_valid(z: Recording) -> bool:
    return rule(z) == VALID


def rule(z: Recording) -> int:
    """How Caffe normalizes, in its newer and its older words."""
    settings = z.layer().loss_param
    if settings.HasField("normalize") and not settings.HasField(
        "normalization"
    ):
        return VALID if settings.normalize else BATCH_SIZE
    return settings.normalization


def normalization(z: Recording) -> tuple[str, int]:
    """A reduction, and what to divide by after it."""
    if rule(z) == NONE:
        return "sum", 1
    if rule(z) == BATCH_SIZE:
        return "sum", len(z["bottom0"])
    if "bottom2" in z:
        return "mean_with_sample_weight", 1
    return "sum_over_batch_size", 1
