"""BatchNorm, and the Scale and Bias that Caffe keeps apart from it."""

import keras
import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.tools.caffe.emission import Emission, Tensor
from keras_hypersphere.tools.caffe.registry import register_layer

ONE = FillerParameter(type="constant", value=1)
ZERO = FillerParameter()


@register_layer("BatchNorm")
def batch_norm(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`BatchNormalization` without gamma and beta; stored statistics only."""
    x = layer.expect(inputs, 1)
    settings = layer.parameter.batch_norm_param
    if settings.HasField("use_global_stats") and not settings.use_global_stats:
        layer.unsupported("`use_global_stats: false` is not supported")
    for name in ("disable_mean", "disable_variance", "scale_filler"):
        if settings.HasField(name):
            layer.unsupported(f"`{name}` is not supported")
    if len(x.shape) not in (2, 4):
        layer.unsupported("only 2-D and 4-D bottoms are supported")
    channels = x.shape[-1]
    mean, variance, factor = layer.blobs(
        ((channels,), ZERO), ((channels,), ZERO), ((1,), ZERO)
    )
    # Caffe stores running sums; a count of 0 stands for sums of nothing.
    scale = np.float32(0) if factor[0] == 0 else np.float32(1) / factor[0]
    return layer.add(
        keras.layers.BatchNormalization,
        x,
        weights=[mean * scale, variance * scale],
        momentum=settings.moving_average_fraction,
        epsilon=settings.eps,
        center=False,
        scale=False,
    )


@register_layer("Scale")
def scale(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`DepthwiseConv2D` of one cell: a factor for each channel of 4-D."""
    if len(inputs) == 2:
        layer.unsupported("two bottoms are not supported")
    x = layer.expect(inputs, 1, rank=4)
    settings = layer.parameter.scale_param
    if settings.HasField("min_value") or settings.HasField("max_value"):
        layer.unsupported("`min_value` and `max_value` are not supported")
    if layer.axis(settings.axis, x) != 3 or settings.num_axes != 1:
        layer.unsupported("only `axis: 1` with `num_axes: 1` is supported")
    channels = x.shape[3]
    filler = settings.filler if settings.HasField("filler") else ONE
    declared = [((channels,), filler)]
    if settings.bias_term:
        declared.append(((channels,), settings.bias_filler))
    factors, *bias = layer.blobs(*declared)
    # A depthwise kernel of one cell is a factor for each channel.
    return layer.add(
        keras.layers.DepthwiseConv2D,
        x,
        weights=[factors.reshape(1, 1, -1, 1), *bias],
        kernel_size=1,
        use_bias=settings.bias_term,
    )
