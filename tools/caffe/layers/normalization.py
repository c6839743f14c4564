"""BatchNorm and MVN: a blob less its mean, over its deviation."""

from typing import Any

import keras
import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

ZERO = FillerParameter()
ONE = FillerParameter(value=1)
SCALING_BLOBS = 5


def batch_norm_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """x less its mean, over its standard deviation, by channel."""
    (x,) = bottoms
    settings = layer.parameter.batch_norm_param
    channels = x.shape[1] if x.ndim > 1 else 1
    shape = (-1, *[1] * (x.ndim - 2))
    axes = (0, *range(2, x.ndim))
    blobs = None if layer.blobs is None else len(layer.blobs)
    shifted = scales(settings, blobs)
    stored = True
    # A model of the phase TRAIN takes those of a batch only as it trains.
    if settings.HasField("use_global_stats") and not layer.training:
        stored = settings.use_global_stats
    if stored:
        mean, variance = (layer.blob(i, (channels,)) for i in (0, 1))
        (count,) = layer.blob(2, (1,))
        factor = 0 if count == 0 else 1 / count
        if shifted and not counts(settings):
            factor = 1
        mean, variance = mean * factor, variance * factor
    else:
        mean = x.mean(axes)
    if not settings.disable_mean:
        x = x - mean.reshape(shape)
    if not settings.disable_variance:
        if not stored:
            variance = np.square(x).mean(axes)
        x = x / np.sqrt(variance.reshape(shape) + settings.eps)
    if not shifted:
        return x
    factors = layer.blob(3, (channels,), factor_filler(settings))
    offsets = layer.blob(4, (channels,), settings.bias_filler)
    return x * factors.reshape(shape) + offsets.reshape(shape)


def scales(settings: Any, stored: int | None) -> bool:
    """Whether the layer scales and shifts, as forks' with five blobs.

    Args:
        settings: The layer's message.
        stored: How many blobs the model has for it; None without the layer.
    """
    if settings.scale_bias or stored is not None:
        return settings.scale_bias or stored == SCALING_BLOBS
    # NVCaffe's takes a filler for the wish.
    return settings.HasField("scale_filler") or settings.HasField("bias_filler")


def counts(settings: Any) -> bool:
    """Whether a layer of five blobs divides its sums by the third, as Intel's
    does; NVCaffe's, which says `scale_bias` or has a filler, keeps means.
    """
    nvidias = ("scale_filler", "bias_filler")
    return settings.HasField("filler") or not (
        settings.scale_bias or any(map(settings.HasField, nvidias))
    )


def factor_filler(settings: Any) -> FillerParameter:
    """What fills the factors: ones, where nothing is said."""
    return settings.scale_filler if settings.HasField("scale_filler") else ONE


@register_layer(
    "BatchNorm",
    reference=batch_norm_reference,
    is_one_layer=True,
    refused={
        "batch_norm_param.relu": "runs a ReLU in the same layer",
    },
)
def batch_norm(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`BatchNormalization`, no gamma or beta; `ops` for batch statistics."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.batch_norm_param
    refuse_rates(layer)
    if len(x.shape) < 2:
        layer.fail("its bottom has one axis; it takes two or more")
    axis = layer.axis(1, x)
    shape = (x.shape[axis],)
    statistics = [(shape, ZERO), (shape, ZERO), ((1,), ZERO)]
    if scales(settings, layer.weights.count(layer.name)):
        return scaling_norm(layer, x, axis, statistics)
    mean, variance, count = layer.blobs(*statistics)
    stored = not layer.training
    if settings.HasField("use_global_stats"):
        stored = settings.use_global_stats
    if not stored and not layer.training:
        return normalize_batch(layer, x, axis, settings)
    if layer.training and (settings.disable_mean or settings.disable_variance):
        layer.unsupported("training without mean or variance is not supported")
    # Caffe stores running sums; a count of 0 stands for sums of nothing.
    factor = np.float32(0) if count[0] == 0 else np.float32(1) / count[0]
    mean, variance, epsilon = mean * factor, variance * factor, settings.eps
    if settings.disable_mean:
        mean = np.zeros_like(mean)
    if settings.disable_variance:
        variance, epsilon = np.ones_like(variance), 0.0
    return layer.add(
        keras.layers.BatchNormalization,
        x,
        weights=[mean, variance],
        axis=axis if axis < len(x.shape) - 1 else -1,
        momentum=settings.moving_average_fraction,
        epsilon=epsilon,
        center=False,
        scale=False,
        # Stored statistics in training mean that they stay as they are.
        trainable=not (stored and layer.training),
    )


def scaling_norm(
    layer: Emission, x: Tensor, axis: int, statistics: list
) -> Tensor:
    """Of NVCaffe and Intel: stored statistics, then factors and offsets."""
    settings = layer.parameter.batch_norm_param
    stored = settings.use_global_stats or not (
        settings.HasField("use_global_stats")
    )
    if layer.training or not stored:
        layer.unsupported(
            "factors and offsets (`scale_bias: true`, fillers, five blobs) "
            "are supported at inference, with stored statistics"
        )
    if settings.disable_mean or settings.disable_variance:
        layer.unsupported(
            "factors and offsets without a mean or a variance are not supported"
        )
    shape = statistics[0][0]
    mean, variance, count, factors, offsets = layer.blobs(
        *statistics,
        (shape, factor_filler(settings)),
        (shape, settings.bias_filler),
    )
    sure = settings.scale_bias or settings.HasField("scale_filler")
    if counts(settings):
        factor = np.float32(0) if count[0] == 0 else np.float32(1) / count[0]
        mean, variance = mean * factor, variance * factor
    elif not sure and count[0] not in (0, 1):
        layer.unsupported(
            f"has five blobs, a count of {count[0]:g} and a `bias_filler`: "
            "Intel's Caffe divides by the count, NVIDIA's does not; write "
            "`filler { }` for the first, `scale_bias: true` for the second"
        )
    return layer.add(
        keras.layers.BatchNormalization,
        x,
        weights=[factors, offsets, mean, variance],
        axis=axis if axis < len(x.shape) - 1 else -1,
        epsilon=settings.eps,
    )


def refuse_rates(layer: Emission) -> None:
    """Caffe learns no statistics; three blocks of rates are an old habit.

    NVCaffe reads over the rates of statistics.
    """
    rates = layer.parameter.param
    if not counts(layer.parameter.batch_norm_param):
        return
    if len(rates) != 3 and any(spec.lr_mult for spec in rates[:3]):
        layer.fail(
            "its statistics are not learned; write `param { lr_mult: 0 }`, or "
            "leave `param` out"
        )


def normalize_batch(
    layer: Emission, x: Tensor, axis: int, settings: Any
) -> Tensor:
    """`use_global_stats: false`: statistics of the batch that is given."""
    axes = [i for i in range(len(x.shape)) if i != axis]
    if not settings.disable_mean:
        mean = layer.compute(
            keras.ops.mean, x, axis=axes, keepdims=True, part="mean"
        )
        x = layer.compute(keras.ops.subtract, x, mean, part="centered")
    if not settings.disable_variance:
        variance = mean_square(layer, x, axes)
        variance = layer.compute(
            keras.ops.add, variance, settings.eps, part="eps"
        )
        deviation = layer.compute(keras.ops.sqrt, variance, part="deviation")
        x = layer.compute(keras.ops.divide, x, deviation, part="scaled")
    return layer.label(x)


def mean_square(layer: Emission, x: Tensor, axes: list[int]) -> Tensor:
    """The mean of squares, with axes of 1 for those that it is taken over."""
    squares = layer.compute(keras.ops.square, x, part="square")
    return layer.compute(
        keras.ops.mean, squares, axis=axes, keepdims=True, part="variance"
    )


def mvn_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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


@register_layer("MVN", reference=mvn_reference)
def mvn(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.mean` and the like: by sample and channel, or by sample."""
    x = image(layer, layer.expect(inputs, 1))
    settings = layer.parameter.mvn_param
    axes = [1, 2, 3] if settings.across_channels else [1, 2]
    mean = layer.compute(
        keras.ops.mean, x, axis=axes, keepdims=True, part="mean"
    )
    x = layer.compute(keras.ops.subtract, x, mean, part="centered")
    if settings.normalize_variance:
        variance = mean_square(layer, x, axes)
        deviation = layer.compute(keras.ops.sqrt, variance, part="deviation")
        # Outside of the root, other than in BatchNorm.
        deviation = layer.compute(
            keras.ops.add, deviation, settings.eps, part="eps"
        )
        x = layer.compute(keras.ops.divide, x, deviation, part="scaled")
    return layer.label(x)


def image(layer: Emission, x: Tensor) -> Tensor:
    """A blob of fewer axes as Caffe's four, which end in sizes of 1."""
    if len(x.shape) == 4:
        return x
    if len(x.shape) > 4:
        layer.fail(f"its bottom has {len(x.shape)} axes; it takes four at most")
    channels, height = (*x.shape[1:], 1, 1)[:2]
    if height > 1:
        x = layer.add(keras.layers.Permute, x, "nhc", dims=(2, 1))
    return layer.add(
        keras.layers.Reshape, x, "image", target_shape=(height, 1, channels)
    )
