"""The suite for layers."""

from collections.abc import Callable, Sequence
from typing import Any

from keras_hypersphere.testing.configuration import check_configuration
from keras_hypersphere.testing.edges import check_edges
from keras_hypersphere.testing.fresh_process import check_fresh_process, shared
from keras_hypersphere.testing.policies import check_policies
from keras_hypersphere.testing.shapes import check_shapes
from keras_hypersphere.testing.subject import Subject
from keras_hypersphere.testing.training import Training, check_training

CHECKS = (
    "configuration",
    "shapes",
    "dtype policies",
    "edges",
    "training",
    "fresh process",
    "replicas",
)


def check_layer(
    cls_or_factory: Callable[..., Any],
    init_kwargs: dict[str, Any] | None = None,
    input_shape: Sequence[Any] = (8, 6),
    call_kwargs: dict[str, Any] | None = None,
    *,
    skip: Sequence[str] = (),
    imports: Sequence[str] | None = None,
) -> None:
    """Checks that a layer behaves as Keras layers should.

    * configuration: arguments are attributes; configuration and JSON round
      trip;
    * shapes: build from shape; symbolic = eager shape and dtype; unknown
      batch size;
    * dtype policies: float32, mixed_float16, mixed_bfloat16, float64;
    * edges: finite values and gradients on zeros, ones, parallel and
      opposite vectors, lengths of 1e-20 and 1e15, the ends of half types;
    * training: two steps of `fit`, the same with `jit_compile` on and off;
    * fresh process: the same outputs from a `.keras` file, in a process that
      never made the layer;
    * replicas: the same weights after two steps on one replica and on two
      (TensorFlow only).

    Args:
        cls_or_factory: class, or function that makes a layer.
        init_kwargs: dict, what it is called with. A layer inside of it would
            be shared between the layers that the checks make; write a
            function instead.
        input_shape: shape with its batch (None: 8), or a list of shapes for a
            layer that takes a list. Defaults to `(8, 6)`.
        call_kwargs: dict, further arguments of the call, arrays with one row
            per sample among them. Defaults to None.
        skip: names of checks to leave out. Defaults to none.
        imports: modules that a user imports before loading the layer.
            Defaults to None: the package of `cls_or_factory`.

    Raises:
        AssertionError: that names the layer, the check, and what differs.

    Example:

    >>> kh.testing.check_layer(kh.layers.Maxout, {"units": 3},
    ...     skip=["fresh process", "replicas"])
    """
    left = remaining(CHECKS, skip)
    subject = Subject(cls_or_factory, init_kwargs, input_shape, call_kwargs)
    run(subject, left)
    train(Training(subject), left, imports)


def remaining(checks: Sequence[str], skip: Sequence[str]) -> list[str]:
    """Names of the checks to make."""
    unknown = [name for name in skip if name not in checks]
    if unknown:
        raise ValueError(
            f"`skip` must name checks of {', '.join(checks)}. "
            f"Received: skip={list(skip)!r}."
        )
    return [name for name in checks if name not in skip]


def run(subject: Subject, checks: Sequence[str]) -> None:
    """The checks that need no training."""
    if "fresh process" in checks:
        # It starts while the other checks run.
        shared()
    if "configuration" in checks:
        check_configuration(subject)
    if "shapes" in checks:
        check_shapes(subject)
    if "dtype policies" in checks:
        check_policies(subject)
    if "edges" in checks:
        check_edges(subject)


def train(
    training: Training,
    checks: Sequence[str],
    imports: Sequence[str] | None = None,
) -> None:
    """The checks that train a model."""
    trained = None
    if "training" in checks:
        trained = check_training(training)
    elif "replicas" in checks:
        trained = training.fit(jit=False)
    if "replicas" not in checks:
        trained = None
    if "fresh process" in checks or "replicas" in checks:
        check_fresh_process(training, trained, imports)
