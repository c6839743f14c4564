"""Labels and counts that losses share, for converters and references."""

import math
from typing import Any

import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
    caffe_shape,
)
from keras_hypersphere.tools.caffe.reference.layer import (
    ReferenceLayer,
)

NORMALIZATIONS = ("full", "valid", "batch_size", "none")


FULL, VALID, BATCH_SIZE, NONE = range(4)
# Of Intel's and R-FCN's Caffe: a number of the prototxt.
PRE_FIXED = 20000


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
    if rule == PRE_FIXED:
        return max(settings.pre_fixed_normalizer, 1)
    return max(counts[rule], 1)


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


def left_out(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; not for training."""
    layer.unsupported("training with this loss is not supported")
