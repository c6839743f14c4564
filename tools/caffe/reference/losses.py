"""The losses that most networks train with, without their weights."""

import numpy as np

from keras_hypersphere.tools.caffe.reference.dense import EPSILON
from keras_hypersphere.tools.caffe.reference.labels import (
    class_indices,
    rows_of_classes,
)
from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]
FULL, VALID, BATCH_SIZE, NONE = range(4)
L2 = 2


def normalizer(
    layer: ReferenceLayer, default: int, counts: dict[int, float]
) -> float:
    """What a sum is divided by, in newer and older words; at least 1."""
    settings = layer.parameter.loss_param
    rule = default
    if settings.HasField("normalization"):
        rule = settings.normalization
    elif settings.HasField("normalize"):
        rule = VALID if settings.normalize else BATCH_SIZE
    return max(counts[rule], 1)


@register_reference("SoftmaxWithLoss")
def softmax_with_loss(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The mean of -log p of the labels, maybe weighted."""
    x, labels, *weights = bottoms
    settings = layer.parameter.softmax_param
    rows = rows_of_classes(layer, x, settings.axis)
    labels, counted = class_indices(
        layer, labels, rows, layer.parameter.loss_param
    )
    if settings.normalize_type == "Softmax":
        scores = np.exp(rows - rows.max(1, keepdims=True))
        scores /= scores.sum(1, keepdims=True)
    else:
        # The fork makes L2 of "L1" too.
        lengths = np.sqrt(np.square(rows).sum(1, keepdims=True) + EPSILON)
        scores = rows / lengths
    own = scores[np.arange(len(rows)), labels]
    # Caffe takes no logarithm of less than the least float.
    losses = -np.log(np.maximum(own, np.finfo(np.float32).tiny))
    factors = counted.astype(np.float64)
    counts: dict[int, float]
    counts = {FULL: len(rows), BATCH_SIZE: len(x), NONE: 1}
    if weights:
        factors *= weights[0].reshape(-1)
        # Read with weights alone.
        if settings.class_weight:
            factors *= np.array(settings.class_weight)[labels]
        counts = {}
    counts[VALID] = factors.sum()
    return (losses * factors).sum() / normalizer(layer, VALID, counts)


@register_reference("EuclideanLoss")
def euclidean_loss(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Half the squared distance, over the samples."""
    x, wanted = bottoms
    return np.square(x - wanted.reshape(x.shape)).sum() / (2 * len(x))


@register_reference("SmoothL1Loss")
def smooth_l1_loss(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_reference("SigmoidCrossEntropyLoss")
def sigmoid_loss(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_reference("HingeLoss")
def hinge_loss(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_reference("ContrastiveLoss")
def contrastive_loss(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Half the mean square of a distance, or of what a margin leaves."""
    a, b, alike = bottoms
    settings = layer.parameter.contrastive_loss_param
    total = 0.0
    for one, other, same in zip(a, b, alike.reshape(-1), strict=True):
        squared = np.square(one - other).sum()
        # 0.5 is no whole number, and stands for 0.
        if int(same):
            total += squared
        elif settings.legacy_version:
            total += max(settings.margin - squared, 0.0)
        else:
            total += max(settings.margin - np.sqrt(squared), 0.0) ** 2
    return np.array(total / (2 * len(a)))


@register_reference("Accuracy")
def accuracy(layer: ReferenceLayer, bottoms: Bottoms) -> list[np.ndarray]:
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
