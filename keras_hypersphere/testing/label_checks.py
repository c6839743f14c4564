"""What heads accept as labels, and what labels change."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.testing.gradients import array
from keras_hypersphere.testing.subject import Subject

CHECK = "labels"


def check_labels(subject: Subject, label: str, units: int) -> None:
    """Labels on and off, their shapes and dtypes, and what is refused."""
    layer = subject.built()
    # That labels are missing here is meant.
    layer.warned = True
    inputs = subject.inputs(layer.compute_dtype)
    classes = np.arange(subject.batch) % units
    plain = outputs(subject, layer, inputs, label, None)
    if owns_cross_entropy(layer):
        # With labels, the classes of the largest logits come out.
        found = outputs(subject, layer, inputs, label, classes)
        subject.require_close(
            CHECK, "predicted classes", found, plain.argmax(axis=1), 0.0
        )
    else:
        check_evaluation(subject, layer, inputs, label, classes, plain)
    check_forms(subject, layer, inputs, label, classes)
    check_refusals(subject, layer, inputs, label, units)


def owns_cross_entropy(layer: keras.layers.Layer) -> bool:
    """Whether a head says that it has its softmax itself."""
    return bool(getattr(layer, "owns_cross_entropy", False))


def outputs(
    subject: Subject,
    layer: keras.layers.Layer,
    inputs: list[Any],
    label: str,
    labels: Any,
    **more: Any,
) -> np.ndarray:
    """The first output of a call that leaves the state of the layer."""
    with keras.StatelessScope(collect_losses=True):
        result = subject.call(layer, inputs, **{label: labels}, **more)
    return array(result[0])


def check_evaluation(
    subject: Subject,
    layer: keras.layers.Layer,
    inputs: list[Any],
    label: str,
    classes: np.ndarray,
    plain: np.ndarray,
) -> None:
    """Only training with labels may change what comes out."""
    calls: dict[str, Any] = {"in training, without labels,": (None, True)}
    if not getattr(layer, "margin_at_test", False):
        calls["in evaluation, with labels,"] = (classes, False)
    for what, (labels, training) in calls.items():
        found = outputs(
            subject, layer, inputs, label, labels, training=training
        )
        subject.require_close(CHECK, f"output {what}", found, plain, 0.0)


def check_forms(
    subject: Subject,
    layer: keras.layers.Layer,
    inputs: list[Any],
    label: str,
    classes: np.ndarray,
) -> None:
    """(N,) and (N, 1), integers and whole floats, are the same labels."""
    wanted = outputs(
        subject, layer, inputs, label, classes.astype("int32"), training=True
    )
    subject.require(
        bool(np.isfinite(wanted).all()),
        CHECK,
        "the output in training with labels is not finite.",
    )
    forms = {
        "of shape (N, 1)": classes.astype("int32")[:, None],
        "in uint8": classes.astype("uint8"),
        "in int64": classes.astype("int64"),
        "in float32": classes.astype("float32"),
    }
    for what, labels in forms.items():
        found = outputs(
            subject,
            layer,
            inputs,
            label,
            ops.convert_to_tensor(labels),
            training=True,
        )
        subject.require_close(
            CHECK, f"output for labels {what}", found, wanted, 0.0
        )


def check_refusals(
    subject: Subject,
    layer: keras.layers.Layer,
    inputs: list[Any],
    label: str,
    units: int,
) -> None:
    """One-hot, fractional, outside: ValueError that names the argument."""
    n = subject.batch
    wrong = {
        "one-hot labels": np.eye(units + 1, dtype="float32")[
            np.arange(n) % units
        ],
        "a fractional label": np.full(n, 0.5, "float32"),
        "a label beyond the classes": np.full(n, units, "int32"),
        "a negative label": np.full(n, -1, "int32"),
        "labels of another batch": np.zeros(n + 1, "int32"),
    }
    for what, labels in wrong.items():
        try:
            outputs(subject, layer, inputs, label, labels, training=True)
        except ValueError as error:
            subject.require(
                "Received" in str(error) and "label" in str(error),
                CHECK,
                f"{what} are refused without saying what is wrong: {error}",
            )
        except Exception as error:
            subject.fail(
                CHECK,
                f"{what} must raise a ValueError, not "
                f"{type(error).__name__}: {error}",
            )
        else:
            subject.fail(CHECK, f"{what} must raise a ValueError.")
