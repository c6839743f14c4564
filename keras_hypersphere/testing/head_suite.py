"""The suite for heads: layers that own class weights and take labels."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_hypersphere.testing import layer_suite
from keras_hypersphere.testing.label_checks import check_labels
from keras_hypersphere.testing.margins import check_margin
from keras_hypersphere.testing.subject import BATCH, Subject
from keras_hypersphere.testing.training import Training

CHECKS = (*layer_suite.CHECKS, "labels", "margin")


def check_head(
    cls_or_factory: Callable[..., Any],
    init_kwargs: dict[str, Any] | None = None,
    input_shape: Sequence[Any] = (8, 6),
    call_kwargs: dict[str, Any] | None = None,
    *,
    label: str = "labels",
    loss: Any = "softmax",
    skip: Sequence[str] = (),
    imports: Sequence[str] | None = None,
) -> None:
    """Checks a head: as `check_layer`, with labels on and off.

    * every check of `check_layer`, with labels; the saved model has an
      optional label input and predicts without it;
    * labels: in evaluation, and without labels, the plain output; labels of
      any whole dtype, `(N,)` or `(N, 1)`, are the same; one-hot, fractional
      and outside ones are refused;
    * margin: labels change the outputs in training, or add a loss; a large
      lambda of `annealing` leaves the plain outputs; a row of the
      `ignore_class` has no margin; `classes=` gives columns of the whole.
      A head that says `has_margin = False` is not asked for one.

    Args:
        cls_or_factory: class, or function that makes a head with an
            attribute `units`.
        init_kwargs: dict, what it is called with; `units` is 5 where the
            dict lacks it and the head needs it.
        input_shape: shape with its batch. Defaults to `(8, 6)`.
        call_kwargs: dict, further arguments of the call. Defaults to None.
        label: name of the argument that takes labels. Defaults to
            `"labels"`.
        loss: loss of the head's output and the labels; `"softmax"`, the
            default, is the cross-entropy of logits, None is for heads that
            train by their added loss alone.
        skip: names of checks to leave out. Defaults to none.
        imports: as in `check_layer`.

    Raises:
        AssertionError: that names the head, the check, and what differs.

    Example:

    >>> kh.testing.check_head(kh.layers.ASoftmax, {"units": 5},
    ...     skip=["edges", "fresh process", "replicas"])
    """
    left = layer_suite.remaining(CHECKS, skip)
    init_kwargs = dict(init_kwargs or {})
    if isinstance(cls_or_factory, type):
        init_kwargs.setdefault("units", 5)
    units = cls_or_factory(**init_kwargs).units
    batch = input_shape[0] or BATCH
    labels = (np.arange(batch) % units).astype("int32")
    subject = Subject(
        cls_or_factory,
        init_kwargs,
        input_shape,
        {**(call_kwargs or {}), label: labels},
    )
    layer_suite.run(subject, left)
    if "labels" in left:
        check_labels(subject, label, units)
    if "margin" in left:
        check_margin(subject, label, units)
    if loss == "softmax":
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    layer_suite.train(Training(subject, loss, label), left, imports)
