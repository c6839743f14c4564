"""Accuracy, which only measures."""

import numpy as np

from keras_hypersphere.caffe_layers.class_accuracy import ClassAccuracy
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import (
    Labels,
    register_layer,
)
from keras_hypersphere.tools.caffe.layers.loss_labels import (
    check_labels,
    class_indices,
    rows_of_classes,
)
from keras_hypersphere.tools.caffe.layers.margin_heads import class_labels
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)


def accuracy_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """The share of rows whose class is among the best, and by class.

    Of equal scores the last class is better; with `min_is_better` the first.
    """
    x, labels, *weights = bottoms
    settings = layer.parameter.accuracy_param
    rows = rows_of_classes(layer, x, settings.axis)
    labels, counted = class_indices(layer, labels, rows, settings)
    if weights:
        counted = counted & (weights[0].reshape(-1) != 0)
    right = np.zeros(rows.shape[1])
    seen = np.zeros(rows.shape[1])
    for row, label in zip(rows[counted], labels[counted], strict=True):
        order = sorted((score, place) for place, score in enumerate(row))
        if not settings.min_is_better:
            order.reverse()
        best = [place for _, place in order[: settings.top_k]]
        seen[label] += 1
        right[label] += label in best
    made = [right.sum() / seen.sum(), right / np.where(seen == 0, 1, seen)]
    return made[: len(layer.parameter.top)]


@register_layer(
    "Accuracy",
    reference=accuracy_reference,
    message="accuracy_param",
    labels=Labels(tops=2, weighted=True),
    left_out=True,
)
def accuracy(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; a share of samples for `phase="TRAIN"`."""
    settings = layer.parameter.accuracy_param
    if len(layer.parameter.top) > 1:
        layer.unsupported("the accuracy of each class is not supported")
    x, labels, *weights = inputs
    axis = layer.axis(settings.axis, x)
    check_labels(layer, x, labels, axis)
    if axis != len(x.shape) - 1:
        layer.unsupported(f"`axis: {settings.axis}` is not supported")
    return layer.add(
        ClassAccuracy,
        x,
        also=[
            class_labels(layer, y, f"bottom{index + 1}")
            for index, y in enumerate((labels, *weights))
        ],
        top_k=settings.top_k,
        smallest=settings.min_is_better,
        ignore_class=settings.ignore_label
        if settings.HasField("ignore_label")
        else None,
    )
