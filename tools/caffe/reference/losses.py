"""The losses that most networks train with, without their weights."""

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]
FULL, VALID, BATCH_SIZE, NONE = range(4)


@register_reference("SoftmaxWithLoss")
def softmax_with_loss(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The mean of -log p of the labels."""
    if len(bottoms) > 2 or len(layer.parameter.top) > 1:
        layer.fail("weights, and a second top, are not known to the reference")
    x, labels = bottoms
    axis = layer.axis(layer.parameter.softmax_param.axis, x)
    rows = np.moveaxis(x, axis, -1).reshape(-1, x.shape[axis])
    labels = labels.reshape(-1).astype(int)
    settings = layer.parameter.loss_param
    counted = np.ones(len(labels), bool)
    if settings.HasField("ignore_label"):
        counted = labels != settings.ignore_label
    rows = rows - rows.max(1, keepdims=True)
    own = np.take_along_axis(rows, np.where(counted, labels, 0)[:, None], 1)
    losses = np.log(np.exp(rows).sum(1)) - own[:, 0]
    # Caffe takes no logarithm of less than the least float.
    losses = np.minimum(losses, -np.log(np.finfo(np.float32).tiny))
    rule = settings.normalization
    if settings.HasField("normalize") and not settings.HasField(
        "normalization"
    ):
        rule = VALID if settings.normalize else BATCH_SIZE
    count = {
        FULL: len(labels),
        VALID: counted.sum(),
        BATCH_SIZE: len(x),
        NONE: 1,
    }[rule]
    return losses[counted].sum() / max(count, 1)


@register_reference("EuclideanLoss")
def euclidean_loss(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Half the squared distance, over the samples."""
    x, wanted = bottoms
    return np.square(x - wanted.reshape(x.shape)).sum() / (2 * len(x))
