"""NormFace's losses of distances to agents (class centres); CenterLoss."""

from typing import Any

import numpy as np

from keras_hypersphere.caffe_layers.agent_loss import AgentLoss
from keras_hypersphere.caffe_layers.center_distance import CenterDistance
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import (
    Labels,
    register_layer,
)
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.layers.loss_labels import class_indices
from keras_hypersphere.tools.caffe.layers.margin_heads import class_labels
from keras_hypersphere.tools.caffe.network.training_only import loss_weights
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
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
