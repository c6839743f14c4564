"""SigmoidCrossEntropyLoss, SmoothL1Loss, HingeLoss: of single entries."""

import math
from typing import Any

import numpy as np

from keras_hypersphere.caffe_layers.element_loss import ElementLoss
from keras_hypersphere.caffe_layers.smooth_l1_loss import SmoothL1Loss
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
    caffe_shape,
)
from keras_hypersphere.tools.caffe.layer_type import (
    Labels,
    register_layer,
)
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.layers.loss_labels import (
    BATCH_SIZE,
    FULL,
    NONE,
    NORMALIZATIONS,
    VALID,
    class_indices,
    ignored,
    normalization,
    normalizer,
)
from keras_hypersphere.tools.caffe.layers.margin_heads import class_labels
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

L2 = 2


def sigmoid_loss_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """-t log p - (1 - t) log(1 - p) of each entry, p its sigmoid."""
    x, targets = bottoms[0], bottoms[1].reshape(bottoms[0].shape)
    counted = np.ones(x.shape, bool)
    if layer.parameter.loss_param.HasField("ignore_label"):
        # Caffe cuts a target to a whole number first.
        counted = np.trunc(targets) != layer.parameter.loss_param.ignore_label
    losses = np.logaddexp(0, -x) * targets + np.logaddexp(0, x) * (1 - targets)
    counts = {
        FULL: x.size,
        VALID: counted.sum(),
        BATCH_SIZE: len(x),
        NONE: 1,
    }
    return losses[counted].sum() / normalizer(layer, BATCH_SIZE, counts)


@register_layer(
    "SigmoidCrossEntropyLoss",
    reference=sigmoid_loss_reference,
    labels=Labels(whole=False, binary=True),
    left_out=True,
)
def sigmoid_loss(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; of single entries for `phase="TRAIN"`."""
    if len(inputs) > 2:
        layer.unsupported("a third bottom is not supported")
    return element_loss(
        layer,
        inputs,
        kind="sigmoid",
        normalization=NORMALIZATIONS[normalization(layer, BATCH_SIZE)],
        ignore=ignored(layer),
    )


def element_loss(layer: Emission, inputs: list[Tensor], **config: Any) -> Any:
    """Two blobs of equal counts, entry by entry."""
    x, y = inputs
    if math.prod(x.shape[1:]) != math.prod(y.shape[1:]):
        layer.fail(
            "its bottoms have different sizes: "
            f"{caffe_shape(x)} and {caffe_shape(y)}"
        )
    if x.shape != y.shape:
        x = flatten(layer, x, "flatten")
        y = flatten(layer, y, "flatten_b")
    return layer.add(ElementLoss, x, also=[y], **config)


def smooth_l1_loss_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """A parabola that goes on as a line from 1 / sigma^2 on."""
    x = bottoms[0]
    wanted, *weights = (other.reshape(x.shape) for other in bottoms[1:])
    inside, outside = (*weights, 1.0, 1.0)[:2]
    sharp = layer.parameter.smooth_l1_loss_param.sigma**2
    total = 0.0
    for gap, weight in np.nditer([inside * (x - wanted), outside]):
        if abs(gap) * sharp < 1:
            total += weight * sharp * gap * gap / 2
        else:
            total += weight * (abs(gap) - 1 / (2 * sharp))
    return np.array(total / len(x))


@register_layer(
    "SmoothL1Loss",
    reference=smooth_l1_loss_reference,
    labels=Labels(bottoms=(2, 4), whole=False),
    left_out=True,
)
def smooth_l1_loss(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; of boxes, weighted or not, for `"TRAIN"`."""
    counts = {math.prod(x.shape[1:]) for x in inputs}
    if len(counts) > 1:
        layer.fail(
            "its bottoms have different sizes: "
            f"{', '.join(str(caffe_shape(x)) for x in inputs)}"
        )
    if len({x.shape for x in inputs}) > 1:
        inputs = [
            flatten(layer, x, f"flatten{index}")
            for index, x in enumerate(inputs)
        ]
    x, *rest = inputs
    sigma = layer.parameter.smooth_l1_loss_param.sigma
    return layer.add(SmoothL1Loss, x, also=rest, sigma=sigma)


def hinge_loss_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """max(0, 1 - x) of the own class, max(0, 1 + x) of all others."""
    rows = bottoms[0].reshape(len(bottoms[0]), -1)
    labels, _ = class_indices(layer, bottoms[1], rows)
    total = 0.0
    for row, label in zip(rows, labels, strict=True):
        for place, value in enumerate(row):
            gap = max(0.0, 1 - value if place == label else 1 + value)
            squared = layer.parameter.hinge_loss_param.norm == L2
            total += gap * gap if squared else gap
    return np.array(total / len(rows))


@register_layer(
    "HingeLoss",
    reference=hinge_loss_reference,
    labels=Labels(bottoms=(2, 2)),
    left_out=True,
)
def hinge_loss(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; of one class against all for `"TRAIN"`."""
    x, labels = inputs
    return layer.add(
        ElementLoss,
        flatten(layer, x, "flatten"),
        also=[class_labels(layer, labels)],
        kind=f"hinge_l{layer.parameter.hinge_loss_param.norm}",
    )
