"""What a margin does, with and without annealing, ignored and in columns."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing
from keras_hypersphere.testing.gradients import array
from keras_hypersphere.testing.subject import Subject

CHECK = "margin"
# In float32, and what an annealing of a million leaves of a margin.
TOLERANCE = 1e-5
FAINT = 1e-4


def check_margin(subject: Subject, label: str, units: int) -> None:
    """Labels change what training sees; `annealing=` changes how much."""
    layer = subject.built()
    promises = getattr(layer, "has_margin", None), adds_loss(layer)
    if promises == (False, False):
        return
    classes = (np.arange(subject.batch) % units).astype("int32")
    plain, _ = training_call(subject, layer, label, None)
    outputs, losses = training_call(subject, layer, label, classes)
    # A head that owns its softmax gives classes; its loss is what counts.
    differs = outputs.shape == plain.shape and bool(
        np.abs(outputs - plain).max() > 0
    )
    if promises[0] or not (promises[1] or losses):
        subject.require(
            differs,
            CHECK,
            "labels change nothing in training: no margin and no loss."
            if promises[0] is None
            else "labels do not change the outputs in training: there is no "
            "margin.",
        )
    if promises[1]:
        subject.require(
            any(abs(loss) > 0 for loss in losses),
            CHECK,
            "a call with labels in training adds no loss.",
        )
    config = layer.get_config()
    if promises[0] and "annealing" in config:
        check_annealing(subject, label, classes, plain)
    if "ignore_class" in config:
        check_ignored(subject, label, classes, plain)
    if isinstance(layer, MarginHead):
        check_columns(subject, layer, classes)


def adds_loss(layer: keras.layers.Layer) -> bool:
    """Whether a head says that it adds a loss."""
    return bool(getattr(layer, "adds_loss", False))


def training_call(
    subject: Subject, layer: keras.layers.Layer, label: str, labels: Any
) -> tuple[np.ndarray, list[float]]:
    """Outputs and added losses of a training call; the state stays."""
    inputs = subject.inputs(layer.compute_dtype)
    # That labels are missing here is meant.
    layer.warned = True
    with keras.StatelessScope(collect_losses=True) as scope:
        found = subject.call(layer, inputs, **{label: labels}, training=True)
        return array(found[0]), [float(array(loss)) for loss in scope.losses]


def variant(subject: Subject, layer: Any, **changes: Any) -> Any:
    """A layer with other arguments and the same weights, if it takes them."""
    try:
        made = subject.factory(**{**subject.init_kwargs, **changes})
    except (TypeError, ValueError):
        return None  # Refused in words, which is an answer.
    inputs = subject.inputs(layer.compute_dtype)
    with keras.StatelessScope():
        subject.call(made, inputs)
    for old, new in zip(
        layer.trainable_weights, made.trainable_weights, strict=True
    ):
        new.assign(old)
    return made


def check_annealing(
    subject: Subject, label: str, classes: np.ndarray, plain: np.ndarray
) -> None:
    """A large lambda leaves the plain outputs, a falling one ever less."""
    base = subject.built()
    plain, _ = training_call(subject, base, label, None)
    gaps = []
    for value in (1e6, 1.0, 0.0):
        head = variant(
            subject,
            base,
            annealing=LambdaAnnealing(base=value, gamma=0.0, minimum=value),
        )
        if head is None:
            return
        outputs, _ = training_call(subject, head, label, classes)
        gaps.append(float(np.abs(outputs - plain).max()))
    subject.require(
        gaps[0] <= FAINT * gaps[2] and gaps[0] < gaps[1] < gaps[2],
        CHECK,
        "`annealing` does not weigh the margin: with lambda = 1e6, 1 and 0 "
        f"the outputs are {gaps[0]:.3g}, {gaps[1]:.3g} and {gaps[2]:.3g} away "
        "from those without labels. Apply lambda, or take no `annealing`.",
    )


def check_ignored(
    subject: Subject, label: str, classes: np.ndarray, plain: np.ndarray
) -> None:
    """The rows of an ignored class come out without a margin."""
    base = subject.built()
    head = variant(subject, base, ignore_class=0)
    plain, _ = training_call(subject, base, label, None)
    if head is None:
        subject.fail(CHECK, "`ignore_class=0` is refused.")
    outputs, _ = training_call(subject, head, label, classes)
    rows = classes == 0
    subject.require_close(
        CHECK, "an ignored row", outputs[rows], plain[rows], TOLERANCE
    )


def check_columns(
    subject: Subject, layer: MarginHead, classes: np.ndarray
) -> None:
    """`classes=` gives columns of the whole."""
    x = subject.inputs("float32")[0]
    labels = ops.convert_to_tensor(classes)
    some = np.array([0, layer.units - 1][: layer.units], "int32")
    columns = ops.convert_to_tensor(some)
    value = None if layer.annealing is None else 1.0
    for what, function in {
        "logits": layer.logits,
        "margin_logits": lambda x, classes=None: layer.margin_logits(
            x, labels, value, False, classes=classes
        ),
    }.items():
        with keras.StatelessScope():
            whole, part = array(function(x)), array(function(x, columns))
        subject.require_close(
            CHECK,
            f"`{what}` of some `classes`",
            part,
            whole[:, some],
            TOLERANCE,
        )
