"""SoftmaxWithLoss, and the losses of probabilities that are left out."""

import keras
import numpy as np

from keras_hypersphere.caffe_layers.softmax_loss import SoftmaxLoss
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import (
    Labels,
    LayerType,
    declare_layer,
    register_layer,
)
from keras_hypersphere.tools.caffe.layers.loss_labels import (
    BATCH_SIZE,
    FULL,
    NONE,
    NORMALIZATIONS,
    PRE_FIXED,
    VALID,
    check_labels,
    class_indices,
    ignored,
    left_out,
    normalization,
    normalizer,
    rows_of_classes,
)
from keras_hypersphere.tools.caffe.layers.margin_heads import class_labels
from keras_hypersphere.tools.caffe.reference.arrays import EPSILON
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

# SoftmaxWithLoss of NormFace's fork; all but the weights are GPU only there.
UNUSUAL = (
    "class_weight",
    "cutting_point",
    "hard_mining_label",
    "hard_ratio",
    "label_smooth_factor",
)


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
    refused={"loss_param.normalization=PRE_FIXED": ""},
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
    fixed = rule == PRE_FIXED
    loss = layer.add(
        SoftmaxLoss,
        x,
        "sum" if fixed else "",
        also=rest,
        axis=axis - len(x.shape),
        normalization=NORMALIZATIONS[NONE if fixed else rule],
        ignore_class=ignored(layer),
    )
    if not fixed:
        return loss
    divisor = max(layer.parameter.loss_param.pre_fixed_normalizer, 1)
    return layer.add(keras.layers.Rescaling, loss, scale=1 / divisor)


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
