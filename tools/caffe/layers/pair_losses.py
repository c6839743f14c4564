"""ContrastiveLoss and EuclideanLoss: of two bottoms."""

import math

import numpy as np

from keras_hypersphere.caffe_layers.pair_loss import PairLoss
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
    caffe_shape,
)
from keras_hypersphere.tools.caffe.layer_type import (
    Labels,
    register_layer,
)
from keras_hypersphere.tools.caffe.layers.element_losses import element_loss
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.layers.margin_heads import class_labels
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
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
