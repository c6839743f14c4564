"""Labels of rows of scores."""

from typing import Any

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer


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
