"""Losses and accuracies, which `phase="TRAIN"` alone has.

`tools/caffe/network/labels.py` leaves them out at inference. Each gives its
value; `tools/caffe/building/build.py` adds it to the model's losses, times
`loss_weight`.
"""

import math
from typing import Any

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
from keras_hypersphere.tools.caffe.layers.heads import class_labels
from keras_hypersphere.tools.caffe.layers.rows import flatten
from keras_hypersphere.tools.caffe.network.labels import loss_weights
from keras_hypersphere.tools.caffe.registry import register_layer

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


@register_layer("SoftmaxWithLoss")
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


@register_layer("GeneralContrastiveLoss")
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


@register_layer("GeneralTripletLoss")
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


@register_layer("CenterLoss")
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


@register_layer("ContrastiveLoss")
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


@register_layer("EuclideanLoss")
def euclidean_loss(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; half a squared distance for `"TRAIN"`."""
    return element_loss(layer, inputs, kind="euclidean")


@register_layer("SigmoidCrossEntropyLoss")
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


@register_layer("SmoothL1Loss")
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


@register_layer("HingeLoss")
def hinge_loss(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Left out at inference; of one class against all for `"TRAIN"`."""
    x, labels = inputs
    return layer.add(
        ElementLoss,
        flatten(layer, x, "flatten"),
        also=[class_labels(layer, labels)],
        kind=f"hinge_l{layer.parameter.hinge_loss_param.norm}",
    )


@register_layer("Accuracy")
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


for kind in ("InfogainLoss", "MultinomialLogisticLoss"):
    register_layer(kind)(left_out)
