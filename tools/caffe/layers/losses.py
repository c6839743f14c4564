"""Losses and accuracies, which `phase="TRAIN"` alone has.

`tools/caffe/network/labels.py` leaves them out at inference. Each gives its
value; `tools/caffe/building/build.py` adds it to the model's losses, times
`loss_weight`.
"""

import math
from typing import Any

import numpy as np

from keras_hypersphere.caffe_layers.agent_loss import AgentLoss
from keras_hypersphere.caffe_layers.center_distance import CenterDistance
from keras_hypersphere.caffe_layers.class_accuracy import ClassAccuracy
from keras_hypersphere.caffe_layers.element_loss import ElementLoss
from keras_hypersphere.caffe_layers.pair_loss import PairLoss
from keras_hypersphere.caffe_layers.smooth_l1_loss import SmoothL1Loss
from keras_hypersphere.caffe_layers.softmax_loss import SoftmaxLoss
from keras_hypersphere.tools.caffe.building.emission import (
    Emission,
    Tensor,
    caffe_shape,
)
from keras_hypersphere.tools.caffe.layer_type import (
    Labels,
    LayerType,
    declare_layer,
    register_layer,
)
from keras_hypersphere.tools.caffe.layers.heads import class_labels
from keras_hypersphere.tools.caffe.layers.rows import flatten
from keras_hypersphere.tools.caffe.network.labels import loss_weights
from keras_hypersphere.tools.caffe.reference.arrays import EPSILON
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

L2 = 2

NORMALIZATIONS = ("full", "valid", "batch_size", "none")
FULL, VALID, BATCH_SIZE, NONE = range(4)
# SoftmaxWithLoss of NormFace's fork; all but the weights are GPU only there.
UNUSUAL = (
    "class_weight",
    "cutting_point",
    "hard_mining_label",
    "hard_ratio",
    "label_smooth_factor",
)


def distances_and_labels(
    layer: ReferenceLayer, distances: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A row of distances for each sample, and its class."""
    rows = distances.reshape(len(distances), -1)
    return rows, class_indices(layer, labels, rows)[0]


def tops(
    layer: ReferenceLayer, loss: float, means: list[float]
) -> list[np.ndarray]:
    """The loss, and the mean values if the layer has a top for them."""
    return [np.array(loss), np.array(means)][: len(layer.parameter.top)]


def chosen(
    settings: Any, rows: np.ndarray, labels: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """The terms of C-contrastive that its options leave; others are 0."""
    kept = np.ones(values.shape, bool)
    samples = np.arange(len(rows))
    own = np.zeros(values.shape, bool)
    own[samples, labels] = True
    if settings.max_negative_only:
        for i, label in enumerate(labels):
            # The search starts at column 0, be it the sample's own.
            best = 0
            for j, value in enumerate(values[i]):
                if j != label and value > values[i, best]:
                    best = j
            kept[i] = own[i]
            kept[i, best] = True
    if settings.positive_first:
        far = rows[samples, labels] > settings.positive_upper_bound
        kept[far] = own[far]
    if settings.max_positive_only:
        # In spite of its name the least is kept.
        least = values[own].argmin()
        kept[own] = samples == least
    return np.where(kept, values, 0)


def rows_of_classes(
    layer: ReferenceLayer, x: np.ndarray, axis: int
) -> np.ndarray:
    """A row of classes for each place besides the axis, in Caffe's order."""
    axis = layer.axis(axis, x)
    return np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])


def class_indices(
    layer: ReferenceLayer,
    labels: np.ndarray,
    rows: np.ndarray,
    settings: Any = None,
) -> tuple[np.ndarray, np.ndarray]:
    """A class for each row, and whether the row counts.

    Args:
        layer: Named where a label is no class; Caffe reads other memory.
        labels: Of any shape.
        rows: As many as labels, a column for each class.
        settings: A message with `ignore_label`. Such a label becomes 0.
    """
    labels = labels.reshape(-1).astype(int)
    if len(labels) != len(rows):
        layer.fail(f"has {len(labels)} labels for {len(rows)} samples")
    counted = np.ones(len(labels), bool)
    if settings is not None and settings.HasField("ignore_label"):
        counted = labels != settings.ignore_label
    kept = labels[counted]
    wrong = kept[(kept < 0) | (kept >= rows.shape[1])]
    if wrong.size:
        layer.fail(f"the label {wrong[0]} is none of {rows.shape[1]} classes")
    return np.where(counted, labels, 0), counted


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


def softmax_with_loss_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
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


@register_layer(
    "SoftmaxWithLoss",
    reference=softmax_with_loss_reference,
    message="softmax_param",
    labels=Labels(weighted=True),
    left_out=True,
)
def softmax_with_loss(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; cross-entropy for `phase="TRAIN"`."""
    x, labels, *weights = inputs
    settings = layer.parameter.softmax_param
    for name in UNUSUAL:
        field = settings.DESCRIPTOR.fields_by_name[name]
        value = getattr(settings, name)
        if value and value != field.default_value:
            layer.unsupported(f"training with `{name}` is not supported")
    if settings.normalize_type != "Softmax":
        layer.unsupported(
            f'`normalize_type: "{settings.normalize_type}"` is not supported'
        )
    axis = layer.axis(settings.axis, x)
    check_labels(layer, x, labels, axis)
    rule = normalization(layer, VALID)
    if weights and rule != VALID:
        layer.unsupported("weights with this normalization are not supported")
    rest = [
        class_labels(layer, y, f"bottom{i + 1}")
        for i, y in enumerate((labels, *weights))
    ]
    return layer.add(
        SoftmaxLoss,
        x,
        also=rest,
        axis=axis - len(x.shape),
        normalization=NORMALIZATIONS[rule],
        ignore_class=ignored(layer),
    )


def normalization(layer: Emission, default: int) -> int:
    """What a loss is divided by, in newer and older words."""
    settings = layer.parameter.loss_param
    if settings.HasField("normalization"):
        return settings.normalization
    if settings.HasField("normalize"):
        return VALID if settings.normalize else BATCH_SIZE
    return default


def ignored(layer: Emission) -> int | None:
    """The label without a loss."""
    settings = layer.parameter.loss_param
    return settings.ignore_label if settings.HasField("ignore_label") else None


def check_labels(layer: Emission, x: Tensor, labels: Tensor, axis: int) -> None:
    """One label for each row of classes."""
    if axis == 0 or (len(x.shape) == 4 and axis != 3):
        layer.unsupported("classes along this axis are not supported")
    places = math.prod(x.shape[1:]) // x.shape[axis]
    if math.prod(labels.shape[1:]) != places:
        layer.fail(
            f"needs {places} labels for each sample; the second bottom has "
            f"the shape {caffe_shape(labels)}"
        )


def general_contrastive_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """The own agent pulls, near others push. Means: pulls, and other gaps.

    The values of a third bottom stand for those of the first.
    """
    settings = layer.parameter.general_contrastive_loss_param
    source = bottoms[2] if len(bottoms) > 2 else bottoms[0]
    rows, labels = distances_and_labels(layer, source, bottoms[1])
    pulls, gaps = np.zeros(len(rows)), np.zeros(rows.shape)
    values = np.zeros(rows.shape)
    for i, label in enumerate(labels):
        excess = max(0.0, rows[i, label] - settings.positive_margin)
        pulls[i] = min(settings.positive_outlier_thresh, excess)
        for j, distance in enumerate(rows[i]):
            if j == label:
                values[i, j] = settings.positive_weight * pulls[i]
            elif distance < settings.negative_margin:
                gaps[i, j] = push = settings.negative_margin - distance
                if settings.exp_negative_weight:
                    push = np.exp(-distance)
                values[i, j] = settings.negative_weight * push
    values = chosen(settings, rows, labels, values)
    others = max(rows.shape[1] - 1, 1)
    means = [pulls.mean(), gaps.sum() / (len(rows) * others)]
    if settings.add_intra_mae:
        means.append(0.0)
    return tops(layer, np.abs(values).sum() / len(rows), means)


@register_layer(
    "GeneralContrastiveLoss",
    reference=general_contrastive_reference,
    labels=Labels(tops=2),
    left_out=True,
)
def general_contrastive(layer: Emission, inputs: list[Tensor]) -> Any:
    """Left out at inference; NormFace's C-contrastive for `"TRAIN"`."""
    if len(inputs) == 3:
        layer.unsupported(
            "a third bottom, whose gradient Caffe gives to the first, is not "
            "supported"
        )
    settings = layer.parameter.general_contrastive_loss_param
    given = settings.HasField("normalize_negative")
    options = {
        "positive_margin": settings.positive_margin,
        "negative_margin": settings.negative_margin,
        "positive_weight": settings.positive_weight,
        "negative_weight": settings.negative_weight,
        "positive_outlier": settings.positive_outlier_thresh,
        # Active when present, be it 0.
        "normalize_negative": settings.normalize_negative if given else None,
        "max_negative_only": settings.max_negative_only,
        "max_positive_only": settings.max_positive_only,
        "positive_first": settings.positive_first,
        "positive_upper_bound": settings.positive_upper_bound,
        "exponential_negative": settings.exp_negative_weight,
    }
    return agent_loss(
        layer,
        inputs,
        kind="contrastive",
        options=options,
        adaptive_margin=settings.add_intra_mae,
        max_negative_margin=settings.max_negative_margin,
    )


def general_triplet_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """The own agent nearer than others, by a margin. Means: distances."""
    settings = layer.parameter.general_triplet_loss_param
    rows, labels = distances_and_labels(layer, *bottoms)
    total, near, far = 0.0, 0.0, 0.0
    for row, label in zip(rows, labels, strict=True):
        hinges = [
            settings.negative_weight
            * max(0.0, row[label] + settings.margin - distance)
            for j, distance in enumerate(row)
            if j != label
        ]
        near += row[label]
        far += row.sum() - row[label]
        if settings.positive_first and (
            row[label] > settings.positive_upper_bound
        ):
            continue
        # Only what is above 0 can be the hardest.
        if settings.hardest_only and hinges and max(hinges) > 0:
            hinges = [max(hinges)]
        total += np.abs(hinges).sum()
    others = max(rows.shape[1] - 1, 1)
    means = [near / len(rows), far / (len(rows) * others)]
    return tops(layer, total / len(rows), means)


@register_layer(
    "GeneralTripletLoss",
    reference=general_triplet_reference,
    labels=Labels(bottoms=(2, 2), tops=2),
    left_out=True,
)
def general_triplet(layer: Emission, inputs: list[Tensor]) -> Any:
    """Left out at inference; NormFace's C-triplet for `"TRAIN"`."""
    settings = layer.parameter.general_triplet_loss_param
    options = {
        "margin": settings.margin,
        "hardest_only": settings.hardest_only,
        "center_pull": settings.add_center_loss,
        "positive_weight": settings.positive_weight,
        "negative_weight": settings.negative_weight,
        "positive_first": settings.positive_first,
        "positive_upper_bound": settings.positive_upper_bound,
    }
    return agent_loss(layer, inputs, kind="triplet", options=options)


def agent_loss(layer: Emission, inputs: list[Tensor], **config: Any) -> Any:
    """The loss, and the mean distances if they are asked for."""
    x, labels = inputs
    loss, means = layer.add(
        AgentLoss,
        flatten(layer, x, "flatten"),
        also=[class_labels(layer, labels)],
        **config,
    )
    if len(layer.parameter.top) == 1:
        return loss
    return [loss, layer.label(means, "means")]


def center_loss_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """Half the mean squared distance to the own center; before its weight."""
    settings = layer.parameter.center_loss_param
    x, labels = bottoms
    x = x.reshape(len(x), -1)
    shape = (settings.num_output, x.shape[1])
    centers = layer.blob(0, shape, settings.center_filler)
    labels, _ = class_indices(layer, labels, np.zeros((len(x), len(centers))))
    difference = x - centers[labels]
    if settings.distance_type == "L1":
        return np.abs(difference).sum() / len(x)
    return np.square(difference).sum() / (2 * len(x))


@register_layer(
    "CenterLoss",
    reference=center_loss_reference,
    message="center_loss_param",
    labels=Labels(bottoms=(2, 2)),
    left_out=True,
)
def center_loss(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; `CenterLoss` with labels for `"TRAIN"`."""
    x, labels = inputs
    settings = layer.parameter.center_loss_param
    if settings.distance_type != "L2":
        layer.unsupported(
            f'`distance_type: "{settings.distance_type}"` is not supported'
        )
    layer.axis(settings.axis, x)
    if settings.axis % len(x.shape) != 1:
        layer.unsupported(f"`axis: {settings.axis}` is not supported; 1 is")
    x = flatten(layer, x, "flatten")
    shape = (settings.num_output, x.shape[1])
    (centers,) = layer.blobs((shape, settings.center_filler))
    # Its gradient for the centers does not depend on the weight.
    layer.adds_own_loss = True
    (weight,) = loss_weights(layer.parameter)
    return layer.add(
        CenterDistance,
        x,
        weights=[centers],
        also=[class_labels(layer, labels)],
        units=settings.num_output,
        loss_weight=weight,
        gradient="caffe",
        # Caffe skips a layer that counts nothing, centers and all.
        trainable=weight != 0,
    )


def contrastive_loss_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
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


@register_layer(
    "ContrastiveLoss",
    reference=contrastive_loss_reference,
    labels=Labels(place=2, bottoms=(3, 3), binary=True),
    left_out=True,
)
def contrastive_loss(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; of two branches for `phase="TRAIN"`."""
    a, b, labels = inputs
    settings = layer.parameter.contrastive_loss_param
    if a.shape != b.shape or math.prod(caffe_shape(a)[2:]) != 1:
        layer.fail(
            "takes two blobs of N x C x 1 x 1; they have the shapes "
            f"{caffe_shape(a)} and {caffe_shape(b)}"
        )
    return layer.add(
        PairLoss,
        flatten(layer, a, "flatten"),
        also=[flatten(layer, b, "flatten_b"), class_labels(layer, labels)],
        margin=settings.margin,
        legacy=settings.legacy_version,
    )


def euclidean_loss_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """Half the squared distance, over the samples."""
    x, wanted = bottoms
    return np.square(x - wanted.reshape(x.shape)).sum() / (2 * len(x))


@register_layer(
    "EuclideanLoss",
    reference=euclidean_loss_reference,
    labels=Labels(bottoms=(2, 2), whole=False),
    left_out=True,
)
def euclidean_loss(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; half a squared distance for `"TRAIN"`."""
    return element_loss(layer, inputs, kind="euclidean")


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


def left_out(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; not for training."""
    layer.unsupported("training with this loss is not supported")


declare_layer(
    LayerType(
        "InfogainLoss",
        left_out,
        message="infogain_loss_param",
        labels=Labels(tops=2),
        left_out=True,
    )
)
declare_layer(
    LayerType(
        "MultinomialLogisticLoss",
        left_out,
        labels=Labels(bottoms=(2, 2)),
        left_out=True,
    )
)
