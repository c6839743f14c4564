"""BN, two layers of one name: SegNet's, and that of PSPNet and NormFace."""

import keras
import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.factors_and_offsets import hold_affine
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

INFERENCE = 1
# SegNet's has factors and offsets, and batch statistics nowhere.
SEGNET_BLOBS = 2
ZERO = FillerParameter()
ONE = FillerParameter(value=1)


def bn_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x times factors and plus offsets, by channel, normalized before that
    where there are statistics: slope (x - mean) / sqrt(variance + eps) + bias.
    """
    (x,) = bottoms
    settings = layer.parameter.bn_param
    shape = (1, x.shape[1], 1, 1)
    if settings.bn_mode == INFERENCE:
        factors = layer.blob(0, shape, settings.scale_filler)
        return x * factors + layer.blob(1, shape, settings.shift_filler)
    if settings.HasField("bn_mode"):
        layer.fail("`bn_mode: LEARN` takes the statistics of a batch")
    slope = layer.blob(0, shape, settings.slope_filler)
    bias = layer.blob(1, shape, settings.bias_filler)
    mean = layer.blob(2, shape)
    variance = layer.blob(3, shape, ONE if settings.frozen else ZERO)
    return (x - mean) / np.sqrt(variance + settings.eps) * slope + bias


@register_layer("BN", reference=bn_reference)
def bn(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`BatchNormalization`; SegNet's (`bn_mode: INFERENCE`) as Scale."""
    x = layer.expect(inputs, 1, rank=4)
    settings = layer.parameter.bn_param
    stored = layer.weights.count(layer.name)
    if settings.HasField("bn_mode") or stored == SEGNET_BLOBS:
        return segnet_bn(layer, x)
    if layer.training and not settings.frozen:
        layer.unsupported(
            "training of its statistics is not supported; `frozen: true` "
            "keeps them"
        )
    shape = (1, x.shape[3], 1, 1)
    blobs = layer.blobs(
        (shape, settings.slope_filler),
        (shape, settings.bias_filler),
        (shape, ZERO),
        (shape, ONE if settings.frozen else ZERO),
    )
    return layer.add(
        keras.layers.BatchNormalization,
        x,
        weights=[blob.ravel() for blob in blobs],
        momentum=settings.momentum,
        epsilon=settings.eps,
        trainable=not layer.training,
    )


def segnet_bn(layer: Emission, x: Tensor) -> Tensor:
    """Factors and offsets, into which the statistics went."""
    settings = layer.parameter.bn_param
    if settings.bn_mode != INFERENCE:
        layer.unsupported(
            "SegNet's layer is supported with `bn_mode: INFERENCE` and the "
            "weights that its compute_bn_statistics.py makes: without them it "
            "takes the statistics of each batch"
        )
    shape = (1, x.shape[3], 1, 1)
    factors, offsets = layer.blobs(
        (shape, settings.scale_filler), (shape, settings.shift_filler)
    )
    return hold_affine(layer, x, [1], factors.ravel(), offsets.ravel())
