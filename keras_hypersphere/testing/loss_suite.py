"""The suite for losses on embeddings or distances."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.testing.configuration import check_configuration
from keras_hypersphere.testing.edges import edge_inputs
from keras_hypersphere.testing.fresh_process import modules, shared
from keras_hypersphere.testing.gradients import array, differentiated
from keras_hypersphere.testing.layer_suite import remaining, train
from keras_hypersphere.testing.subject import Subject
from keras_hypersphere.testing.training import Training

CHECKS = (
    "configuration",
    "values",
    "labels",
    "edges",
    "training",
    "fresh process",
    "replicas",
)


def check_loss(
    cls_or_factory: Callable[..., Any],
    init_kwargs: dict[str, Any] | None = None,
    input_shape: Sequence[int] = (8, 6),
    classes: int = 4,
    *,
    skip: Sequence[str] = (),
    imports: Sequence[str] | None = None,
) -> None:
    """Checks a loss that takes class labels and embeddings or distances.

    * configuration: arguments are attributes; configuration and JSON round
      trip;
    * values: one finite float32 per sample; the call is their mean, a sample
      weight weighs them; half-precision inputs are computed in float32;
    * labels: `(N,)` and `(N, 1)`, integers and whole floats, are the same;
      one-hot labels are refused;
    * edges: finite values and gradients on zeros, ones, parallel and
      opposite vectors, lengths of 1e-20 and 1e15, the ends of half types,
      one class, all classes different;
    * training: two steps of `fit`, the same with `jit_compile` on and off;
    * fresh process: a compiled model comes back from a `.keras` file;
    * replicas: the same weights from one replica and from two (TensorFlow
      only).

    Args:
        cls_or_factory: class, or function that makes a `keras.losses.Loss`.
        init_kwargs: dict, what it is called with. Defaults to None.
        input_shape: shape of `y_pred`, with its batch. Defaults to `(8, 6)`.
        classes: int, number of classes among the labels. Defaults to `4`.
        skip: names of checks to leave out. Defaults to none.
        imports: as in `check_layer`.

    Raises:
        AssertionError: that names the loss, the check, and what differs.

    Example:

    >>> kh.testing.check_loss(keras.losses.SparseCategoricalCrossentropy,
    ...     {"from_logits": True},
    ...     skip=["configuration", "edges", "labels", "fresh process"])
    """
    left = remaining(CHECKS, skip)
    subject = Subject(cls_or_factory, init_kwargs, input_shape)
    labels = (np.arange(subject.batch) % classes).astype("int32")
    if "fresh process" in left:
        shared()
    if "configuration" in left:
        check_configuration(subject)
    if "values" in left:
        check_values(subject, labels)
    if "labels" in left:
        check_labels(subject, labels)
    if "edges" in left:
        check_edges(subject, labels)
    carrier = Subject(keras.layers.Identity, {}, subject.shapes[0])
    carrier.name = subject.name
    training = Training(carrier, subject.make(), targets=labels)
    if imports is None:
        imports = modules(cls_or_factory)
    train(training, left, imports)


def unreduced(subject: Subject) -> keras.losses.Loss:
    """The loss, one value per sample."""
    loss = subject.make()
    loss.reduction = None
    return loss


def check_values(subject: Subject, labels: np.ndarray) -> None:
    """One float32 value per sample; reduction and sample weights."""
    [x] = subject.inputs()
    values = unreduced(subject)(labels, x)
    dtype = keras.backend.standardize_dtype(values.dtype)
    subject.require(
        tuple(values.shape) == (subject.batch,) and dtype == "float32",
        "values",
        f"without reduction it gives {dtype} {tuple(values.shape)}, expected "
        f"float32 ({subject.batch},).",
    )
    values = array(values)
    mean = array(subject.make()(labels, x))
    subject.require_close(
        "values", "the reduced loss", mean, values.mean(), 1e-6
    )
    weights = np.linspace(0.0, 2.0, subject.batch, dtype="float32")
    weighted = array(unreduced(subject)(labels, x, sample_weight=weights))
    subject.require_close(
        "values", "the weighted loss", weighted, values * weights, 1e-6
    )
    for half in ("float16", "bfloat16"):
        rounded = ops.cast(x, half)
        found = unreduced(subject)(labels, rounded)
        subject.require(
            keras.backend.standardize_dtype(found.dtype) == "float32",
            "values",
            f"it gives {found.dtype} for predictions in {half}.",
        )
        # The same numbers in float32: rounding may choose other triplets.
        wanted = unreduced(subject)(labels, ops.cast(rounded, "float32"))
        subject.require_close(
            "values", f"the loss of {half}", found, wanted, 1e-6
        )


def check_labels(subject: Subject, labels: np.ndarray) -> None:
    """Forms of labels that are the same, and one that is refused."""
    [x] = subject.inputs()
    wanted = array(unreduced(subject)(labels, x))
    for what, form in {
        "of shape (N, 1)": labels[:, None],
        "in int64": labels.astype("int64"),
        "in float32": labels.astype("float32"),
    }.items():
        found = unreduced(subject)(ops.convert_to_tensor(form), x)
        subject.require_close(
            "labels", f"the loss for labels {what}", found, wanted, 0.0
        )
    one_hot = np.eye(labels.max() + 2, dtype="float32")[labels]
    try:
        subject.make()(one_hot, x)
    except ValueError as error:
        subject.require(
            "Received" in str(error),
            "labels",
            f"one-hot labels are refused without saying what came: {error}",
        )
    except Exception as error:
        subject.fail(
            "labels",
            "one-hot labels must raise a ValueError, not "
            f"{type(error).__name__}: {error}",
        )
    else:
        subject.fail("labels", "one-hot labels must raise a ValueError.")


def check_edges(subject: Subject, labels: np.ndarray) -> None:
    """Finite value and gradient for every edge of predictions and labels."""
    loss = subject.make()
    kinds = {
        "these labels": labels,
        "one class": np.zeros_like(labels),
        "all classes different": np.arange(subject.batch)
        % subject.shapes[0][-1],
    }

    def function(y: Any, classes: Any) -> tuple[Any, list[Any]]:
        value = loss(classes, y)
        return value / 64.0, [value]

    run = differentiated(function, traced=True)
    for dtype in ("float32", "float16", "bfloat16"):
        for edge, inputs in edge_inputs(subject, dtype).items():
            for kind, classes in kinds.items():
                result = run(inputs, [classes.astype("int32")])
                for part, number in {
                    "its value": result.outputs[0],
                    "its gradient": result.inputs[0],
                }.items():
                    subject.require(
                        bool(np.isfinite(number.astype("float64")).all()),
                        "edges",
                        f"{part} is not finite for {edge} in {dtype}, {kind}.",
                    )
