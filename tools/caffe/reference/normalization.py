"""Layers that bring values to one size, and factors and offsets."""

from typing import Any

import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.pooling import pool
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]
WITHIN_CHANNEL = 1
ONE = FillerParameter(value=1)


@register_reference("LRN")
def lrn(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x (k + alpha / n sum x^2)^-beta over n channels, or cells."""
    (x,) = bottoms
    settings = layer.parameter.lrn_param
    size = settings.local_size
    before = (size - 1) // 2
    if settings.norm_region == WITHIN_CHANNEL:
        mean = pool(x * x, (size, size), (before, before), (1, 1), average=True)
        # `k` is left out here.
        return x * (1 + settings.alpha * mean) ** -settings.beta
    squares = np.zeros((len(x), x.shape[1] + 2 * before, *x.shape[2:]))
    squares[:, before : before + x.shape[1]] = x * x
    total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    scale = settings.k + settings.alpha / size * total
    return x * scale**-settings.beta


@register_reference("BatchNorm")
def batch_norm(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x less its mean, over its standard deviation, by channel."""
    (x,) = bottoms
    settings = layer.parameter.batch_norm_param
    channels = x.shape[1] if x.ndim > 1 else 1
    shape = (-1, *[1] * (x.ndim - 2))
    axes = (0, *range(2, x.ndim))
    stored = True
    # A model of the phase TRAIN takes those of a batch only as it trains.
    if settings.HasField("use_global_stats") and not layer.training:
        stored = settings.use_global_stats
    if stored:
        mean, variance = (layer.blob(i, (channels,)) for i in (0, 1))
        (count,) = layer.blob(2, (1,))
        factor = 0 if count == 0 else 1 / count
        mean, variance = mean * factor, variance * factor
    else:
        mean = x.mean(axes)
    if not settings.disable_mean:
        x = x - mean.reshape(shape)
    if settings.disable_variance:
        return x
    if not stored:
        variance = np.square(x).mean(axes)
    return x / np.sqrt(variance.reshape(shape) + settings.eps)


def spread(
    layer: ReferenceLayer,
    bottoms: Bottoms,
    settings: Any,
    filler: FillerParameter,
) -> np.ndarray:
    """Factors or offsets, with axes of length one where they are shared."""
    x = bottoms[0]
    if len(bottoms) > 1:
        values = bottoms[1]
        axis = layer.axis(settings.axis, x) if values.ndim else 0
    else:
        axis = layer.axis(settings.axis, x) if settings.num_axes else 0
        count = settings.num_axes
        end = x.ndim if count == -1 else axis + count
        values = layer.blob(0, x.shape[axis:end], filler)
    return values.reshape(*values.shape, *[1] * (x.ndim - axis - values.ndim))


@register_reference("Scale")
def scale(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x times factors, own ones or the second bottom, and a bias."""
    settings = layer.parameter.scale_param
    filler = settings.filler if settings.HasField("filler") else ONE
    factors = spread(layer, bottoms, settings, filler)
    if settings.HasField("min_value"):
        factors = np.maximum(factors, settings.min_value)
    if settings.HasField("max_value"):
        factors = np.minimum(factors, settings.max_value)
    made = bottoms[0] * factors
    if settings.bias_term:
        bias = layer.blob(
            len(bottoms) % 2, np.squeeze(factors).shape, settings.bias_filler
        )
        made = made + bias.reshape(factors.shape)
    return made


@register_reference("BN")
def segnet_norm(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x times factors and plus offsets, by channel (SegNet)."""
    (x,) = bottoms
    settings = layer.parameter.bn_param
    if not settings.bn_mode:
        layer.fail("only `bn_mode: INFERENCE` is known to the reference")
    shape = (1, x.shape[1], 1, 1)
    factors = layer.blob(0, shape, settings.scale_filler)
    return x * factors + layer.blob(1, shape, settings.shift_filler)


@register_reference("Bias")
def bias(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x plus offsets, own ones or the second bottom."""
    settings = layer.parameter.bias_param
    return bottoms[0] + spread(layer, bottoms, settings, settings.filler)


@register_reference("MVN")
def mvn(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x less its mean, over its standard deviation, within a sample."""
    (x,) = bottoms
    # Caffe makes four axes of fewer.
    x = x.reshape(*x.shape, *[1] * (4 - x.ndim))
    settings = layer.parameter.mvn_param
    axes = tuple(range(1 if settings.across_channels else 2, x.ndim))
    made = x - x.mean(axes, keepdims=True)
    if settings.normalize_variance:
        spread_ = np.sqrt(np.square(made).mean(axes, keepdims=True))
        made = made / (spread_ + settings.eps)
    return made


@register_reference("Normalize")
def normalize(layer: ReferenceLayer, bottoms: Bottoms) -> list[np.ndarray]:
    """NormFace's layer, or that of SSD, which has factors for channels."""
    (x,) = bottoms
    given = layer.parameter.HasField
    if not given("normalize_param") and (given("norm_param") or layer.blobs):
        return [normalize_ssd(layer, x)]
    x = x.reshape(*x.shape, *[1] * (4 - x.ndim))
    if layer.parameter.normalize_param.normalize_type == "L1":
        norm = np.abs(x).sum(1, keepdims=True) + 1e-6
    else:
        norm = np.sqrt(np.square(x).sum(1, keepdims=True) + 1e-6)
    return [x / norm, norm][: len(layer.parameter.top)]


def normalize_ssd(layer: ReferenceLayer, x: np.ndarray) -> np.ndarray:
    """By the norm of a sample or of a place, times learned factors."""
    settings = layer.parameter.norm_param
    axes = (1, 2, 3) if settings.across_spatial else 1
    norm = np.sqrt(np.square(x).sum(axes, keepdims=True) + settings.eps)
    shape = () if settings.channel_shared else (x.shape[1],)
    filler = settings.scale_filler if settings.HasField("scale_filler") else ONE
    factors = layer.blob(0, shape, filler)
    return x / norm * (factors.reshape(-1, 1, 1) if shape else factors)
