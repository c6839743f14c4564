"""Heads with a margin: the layer at training, plain logits at inference."""

import math
from typing import Any

import keras
import numpy as np

from keras_hypersphere.caffe_layers.class_bias import ClassBias
from keras_hypersphere.caffe_layers.reporting_heads import (
    ReportingASoftmax,
    ReportingLSoftmax,
)
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.l_softmax import LSoftmax
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
    caffe_shape,
)
from keras_hypersphere.tools.caffe.cost import product_cost
from keras_hypersphere.tools.caffe.layer_type import (
    Labels,
    Reference,
    register_layer,
)
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.layers.learned import unit_rows
from keras_hypersphere.tools.caffe.reference.arrays import rows_of
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)


def class_weights(
    layer: ReferenceLayer, settings: Any, size: int
) -> np.ndarray:
    """A row for each class."""
    shape = (settings.num_output, size)
    return layer.blob(0, shape, settings.weight_filler)


def tops(
    layer: ReferenceLayer, logits: np.ndarray, number: float
) -> list[np.ndarray]:
    """As many as the layer has, of two."""
    return [logits, np.array([number])][: len(layer.parameter.top)]


def annealed(settings: Any) -> float:
    """Lambda; its count begins at 1."""
    steps = 1 + settings.gamma * (settings.iteration + 1)
    return max(settings.lambda_min, settings.base * steps**-settings.power)


def margin_reference(message: str, unit: bool) -> Reference:
    """What a head computes without its margin: products with its rows.

    Args:
        message: The field of a layer that holds its settings.
        unit: Whether rows have length one. No epsilon is added there.
    """

    def reference(layer: ReferenceLayer, bottoms: Bottoms) -> list[np.ndarray]:
        settings = getattr(layer.parameter, message)
        x, lead = rows_of(layer, bottoms[0], settings.axis)
        kernel = class_weights(layer, settings, x.shape[1])
        if unit:
            kernel = kernel / np.sqrt(np.square(kernel).sum(1, keepdims=True))
        logits = (x @ kernel.T).reshape(*lead, -1)
        return tops(layer, logits, annealed(settings))

    return reference


@register_layer(
    "MarginInnerProduct",
    reference=margin_reference("margin_inner_product_param", unit=True),
    message="margin_inner_product_param",
    labels=Labels(bottoms=(1, 2), tops=2),
    multiply_adds=product_cost,
)
def margin_inner_product(layer: Emission, inputs: list[Tensor]) -> Any:
    """`Dense` of unit rows; `ASoftmax` with labels for `phase="TRAIN"`."""
    settings = layer.parameter.margin_inner_product_param
    heads = ASoftmax, ReportingASoftmax
    return margin_head(layer, inputs, settings, heads, normalized=True)


@register_layer(
    "LargeMarginInnerProduct",
    reference=margin_reference("largemargin_inner_product_param", unit=False),
    message="largemargin_inner_product_param",
    labels=Labels(bottoms=(1, 2), tops=2),
    multiply_adds=product_cost,
)
def large_margin_inner_product(layer: Emission, inputs: list[Tensor]) -> Any:
    """`Dense`; `LSoftmax` with labels for `phase="TRAIN"`."""
    settings = layer.parameter.largemargin_inner_product_param
    heads = LSoftmax, ReportingLSoftmax
    return margin_head(layer, inputs, settings, heads, normalized=False)


def margin_head(
    layer: Emission,
    inputs: list[Tensor],
    settings: Any,
    heads: tuple[type, type],
    normalized: bool,
) -> Any:
    """A head of one top or two, or what it is without labels."""
    x, *labels = inputs
    layer.axis(settings.axis, x)
    if settings.axis % len(x.shape) != 1:
        layer.unsupported(f"`axis: {settings.axis}` is not supported; 1 is")
    units = settings.num_output
    if units < 1:
        layer.fail("has no `num_output`")
    size = math.prod(caffe_shape(x)[1:])
    (kernel,) = layer.blobs(((units, size), settings.weight_filler))
    if normalized:
        # Caffe writes them back before it runs, without an epsilon.
        kernel = unit_rows(kernel, 0.0)
    x = flatten(layer, x, "flatten")
    if not layer.training:
        return layer.add(
            keras.layers.Dense,
            x,
            weights=[kernel.T],
            units=units,
            use_bias=False,
        )
    if not labels:
        layer.fail("has no labels, which it needs for training, as bottom 1")
    tops = len(layer.parameter.top)
    made = layer.add(
        heads[tops > 1],
        x,
        weights=[kernel.T, np.array(settings.iteration, np.int32)],
        also=[class_labels(layer, labels[0])],
        units=units,
        # SINGLE is 0 in Caffe.
        margin=settings.type + 1,
        annealing=LambdaAnnealing(
            base=settings.base,
            gamma=settings.gamma,
            power=settings.power,
            minimum=settings.lambda_min,
            start=settings.iteration,
        ),
        gradient="caffe",
    )
    return [made[0], layer.label(made[1], "lambda")] if tops > 1 else made


def label_specific_add_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """Nothing at test time, even with `transform_test`."""
    settings = layer.parameter.label_specific_add_param
    bias = settings.bias
    if settings.HasField("bias_base"):
        steps = 1 + settings.bias_gamma * settings.iteration
        bias = settings.bias_base + steps**settings.bias_power - 1
        bias = min(max(bias, settings.bias_min), settings.bias_max)
    return tops(layer, bottoms[0], bias)


@register_layer(
    "LabelSpecificAdd",
    reference=label_specific_add_reference,
    labels=Labels(bottoms=(1, 2), tops=2),
    keeps_channels=True,
)
def label_specific_add(layer: Emission, inputs: list[Tensor]) -> Any:
    """Nothing; a margin on cosines (AM-Softmax) for `phase="TRAIN"`."""
    x, *labels = inputs
    if not layer.training:
        return layer.label(x)
    settings = layer.parameter.label_specific_add_param
    if not labels:
        layer.fail("has no labels, which it needs for training, as bottom 1")
    if math.prod(caffe_shape(x)[2:]) != 1:
        layer.unsupported("scores at several places are not supported")
    logits, bias = layer.add(
        ClassBias,
        flatten(layer, x, "flatten"),
        also=[class_labels(layer, labels[0])],
        bias=settings.bias,
        bias_base=settings.bias_base
        if settings.HasField("bias_base")
        else None,
        gamma=settings.bias_gamma,
        power=settings.bias_power,
        bias_min=settings.bias_min,
        bias_max=settings.bias_max,
        iteration=settings.iteration,
    )
    if len(x.shape) > 2:
        logits = layer.add(
            keras.layers.Reshape, logits, "shape", target_shape=x.shape[1:]
        )
    if len(layer.parameter.top) == 1:
        return logits
    return [logits, layer.label(bias, "bias")]


def class_labels(layer: Emission, labels: Tensor, part: str = "") -> Tensor:
    """Labels of any shape as one axis, in Caffe's order."""
    name = f"{part or 'labels'}_"
    if len(labels.shape) == 4 and min(labels.shape[1:]) != max(
        labels.shape[1:]
    ):
        labels = layer.compute(
            keras.ops.transpose, labels, (0, 3, 1, 2), part=f"{name}nchw"
        )
    if len(labels.shape) > 1:
        labels = layer.compute(
            keras.ops.reshape, labels, (-1,), part=f"{name}flat"
        )
    return labels
