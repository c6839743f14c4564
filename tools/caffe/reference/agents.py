"""Losses of distances to agents and to centers of classes.

What a converted model gives without `training`: the running mean of an
adaptive margin is 0, as Caffe begins, and does not move.
"""

from typing import Any

import numpy as np

from keras_hypersphere.tools.caffe.reference.labels import class_indices
from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]


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


@register_reference("GeneralContrastiveLoss")
def general_contrastive(
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


@register_reference("GeneralTripletLoss")
def general_triplet(
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


@register_reference("CenterLoss")
def center_loss(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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
