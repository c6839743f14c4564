"""Convolution."""

from collections.abc import Sequence

import keras

from keras_hypersphere.tools.caffe.emission import Emission, Tensor
from keras_hypersphere.tools.caffe.registry import register_layer


def pair(
    layer: Emission, sizes: object, name: str, default: int | None
) -> tuple[int, int]:
    """A setting of two axes, in any of Caffe's spellings.

    `kernel_size: 3`, `kernel_size: [3, 2]`, or `kernel_h` and `kernel_w`.
    """
    word = "kernel" if name == "kernel_size" else name
    height, width = f"{word}_h", f"{word}_w"
    listed: Sequence[int] = getattr(sizes, name)
    if sizes.HasField(height) or sizes.HasField(width):
        if listed:
            layer.fail(f"gives `{name}` and `{height}`; give one of them")
        return getattr(sizes, height), getattr(sizes, width)
    if len(listed) > 2:
        layer.unsupported(f"{len(listed)} spatial axes are not supported")
    if not listed:
        if default is None:
            layer.fail(f"has no `{name}`")
        return default, default
    return listed[0], listed[-1]


@register_layer("Convolution")
def convolution(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ZeroPadding2D` and `Conv2D`: 2-D, groups, dilation, any stride."""
    x = layer.expect(inputs, 1, rank=4)
    settings = layer.parameter.convolution_param
    if layer.axis(settings.axis, x) != 3:
        layer.unsupported(f"`axis: {settings.axis}` is not supported; 1 is")
    kernel = pair(layer, settings, "kernel_size", None)
    pad = pair(layer, settings, "pad", 0)
    stride = pair(layer, settings, "stride", 1)
    dilation = (*settings.dilation, *settings.dilation, 1, 1)[:2]
    if len(settings.dilation) > 2:
        layer.unsupported("more than 2 dilations are not supported")
    filters, groups, channels = settings.num_output, settings.group, x.shape[3]
    if min(*kernel, *stride, *dilation, filters, groups) < 1:
        layer.fail("a size, stride, dilation or count is 0; 1 is the least")
    if channels % groups or filters % groups:
        layer.fail(
            f"`group: {groups}` must divide {channels} input channels and "
            f"{filters} outputs"
        )
    for axis in (0, 1):
        extent = dilation[axis] * (kernel[axis] - 1) + 1
        if x.shape[1 + axis] + 2 * pad[axis] < extent:
            layer.fail("the kernel is larger than the padded bottom")
    # Out, in, height, width in Caffe; height, width, in, out in Keras.
    declared = [
        ((filters, channels // groups, *kernel), settings.weight_filler)
    ]
    if settings.bias_term:
        declared.append(((filters,), settings.bias_filler))
    weights, *bias = layer.blobs(*declared)
    if any(pad):
        # `padding="same"` pads nothing at the top where Caffe pads one.
        x = layer.add(
            keras.layers.ZeroPadding2D, x, "pad", padding=tuple(map(int, pad))
        )
    # Keras has strides or dilation, so a dilated one takes every s-th after.
    after = max(dilation) > 1 and max(stride) > 1
    x = layer.add(
        keras.layers.Conv2D,
        x,
        weights=[weights.transpose(2, 3, 1, 0), *bias],
        filters=filters,
        kernel_size=kernel,
        strides=(1, 1) if after else stride,
        dilation_rate=dilation,
        groups=groups,
        use_bias=settings.bias_term,
    )
    if after:
        x = layer.add(
            keras.layers.MaxPooling2D, x, "stride", pool_size=1, strides=stride
        )
    return x
