"""Convolution, in one to three spatial axes."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.cost import convolution_cost
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.arrays import Geometry, product
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

CONVOLUTIONS = {
    1: keras.layers.Conv1D,
    2: keras.layers.Conv2D,
    3: keras.layers.Conv3D,
}
DEPTHWISE = {1: keras.layers.DepthwiseConv1D, 2: keras.layers.DepthwiseConv2D}
# What forks for MobileNet and ShuffleNet call one group for each channel.
DEPTHWISE_TYPES = ("ConvolutionDepthwise", "DepthwiseConvolution")
PADDINGS = {
    1: keras.layers.ZeroPadding1D,
    2: keras.layers.ZeroPadding2D,
    3: keras.layers.ZeroPadding3D,
}
POOLINGS = {
    1: keras.layers.MaxPooling1D,
    2: keras.layers.MaxPooling2D,
    3: keras.layers.MaxPooling3D,
}


def pair(
    layer: Emission, sizes: Any, name: str, default: int | None
) -> tuple[int, ...]:
    """A setting of two spatial axes, in any of Caffe's spellings."""
    return along_axes(layer, sizes, name, default, 2)


def along_axes(
    layer: Emission, sizes: Any, name: str, default: int | None, count: int
) -> tuple[int, ...]:
    """A setting of each spatial axis, in any of Caffe's spellings.

    `kernel_size: 3`, `kernel_size: [3, 2]`, or `kernel_h` and `kernel_w`.
    """
    word = "kernel" if name == "kernel_size" else name
    height, width = f"{word}_h", f"{word}_w"
    listed: Sequence[int] = getattr(sizes, name)
    if name != "dilation" and (sizes.HasField(height) or sizes.HasField(width)):
        if listed:
            layer.fail(f"gives `{name}` and `{height}`; give one of them")
        if count != 2:
            layer.fail(f"gives `{height}`, and has {count} spatial axes, not 2")
        return getattr(sizes, height), getattr(sizes, width)
    if not listed and default is not None:
        return (default,) * count
    if len(listed) not in (1, count):
        layer.fail(
            f"gives {len(listed)} `{name}` for {count} spatial axes; give one, "
            "or one for each"
        )
    return tuple(listed) if len(listed) == count else (listed[0],) * count


class Kernel:
    """The settings of a convolution, checked as Caffe does.

    Args:
        layer: The layer.
        x: Its bottom.

    Attributes:
        axes: The number of spatial axes.
        size, pad, stride, dilation: Along each of them.
        extent: The size, with the gaps that dilation makes.
        channels, filters, groups: Of the bottom, of the top, and parts that
            neither mixes.
        bias: Whether there is one.
    """

    def __init__(self, layer: Emission, x: Tensor) -> None:
        settings = layer.parameter.convolution_param
        layer.axis(settings.axis, x)
        self.axes = len(x.shape) - 2
        if settings.axis % len(x.shape) != 1 or self.axes not in CONVOLUTIONS:
            layer.unsupported(
                "only channels in axis 1, with one to three spatial axes "
                "after it, are supported"
            )
        self.size, self.pad, self.stride, self.dilation = (
            along_axes(layer, settings, name, default, self.axes)
            for name, default in (
                ("kernel_size", None),
                ("pad", 0),
                ("stride", 1),
                ("dilation", 1),
            )
        )
        self.filters, self.groups = settings.num_output, settings.group
        self.bias = settings.bias_term
        self.channels = x.shape[layer.axis(1, x)]
        counts = (self.filters, self.groups)
        if min(*self.size, *self.stride, *self.dilation, *counts) < 1:
            layer.fail("a size, stride, dilation or count is 0; 1 is the least")
        if layer.type in DEPTHWISE_TYPES:
            if settings.HasField("group") and self.groups != self.channels:
                layer.unsupported(
                    f"`group: {self.groups}` is not one for each of "
                    f"{self.channels} channels; Convolution takes it"
                )
            self.groups = self.channels
        if self.channels % self.groups or self.filters % self.groups:
            layer.fail(
                f"`group: {self.groups}` must divide {self.channels} input "
                f"channels and {self.filters} outputs"
            )
        self.extent = tuple(
            gap * (size - 1) + 1
            for gap, size in zip(self.dilation, self.size, strict=True)
        )

    @property
    def depthwise(self) -> bool:
        """Whether each channel is on its own, and Keras has a layer for it."""
        return self.groups == self.channels > 1 and self.axes in DEPTHWISE

    def blobs(
        self, layer: Emission, shape: tuple[int, int]
    ) -> list[np.ndarray]:
        """Weights, and biases if there are any.

        Args:
            layer: The layer.
            shape: The first two axes of the weights in Caffe.
        """
        settings = layer.parameter.convolution_param
        declared = [((*shape, *self.size), settings.weight_filler)]
        if self.bias:
            declared.append(((self.filters,), settings.bias_filler))
        return layer.blobs(*declared)


def spatial(layer: Emission, x: Tensor) -> list[int]:
    """The sizes of the axes that a kernel moves along."""
    return [x.shape[layer.axis(axis, x)] for axis in range(2, len(x.shape))]


def channels_last(layer: Emission, x: Tensor, part: str) -> Tensor:
    """A blob that is not 4-D is as in Caffe, with channels first."""
    if len(x.shape) == 4:
        return x
    dims = (*range(2, len(x.shape)), 1)
    return layer.add(keras.layers.Permute, x, part, dims=dims)


def channels_first(layer: Emission, x: Tensor, part: str) -> Tensor:
    """And back."""
    if len(x.shape) == 4:
        return x
    last = len(x.shape) - 1
    return layer.add(
        keras.layers.Permute, x, part, dims=(last, *range(1, last))
    )


def convolution_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """Each cell of the kernel times the places it meets, added up."""
    tops = []
    for x in bottoms:
        g = Geometry(layer, x, turned=False)
        padded = np.pad(g.x, [(0, 0)] * 3 + [(p, p) for p in g.pad])
        counts = tuple(
            (n + 2 * p - (d * (k - 1) + 1)) // s + 1
            for n, p, d, k, s in zip(
                g.sizes, g.pad, g.dilation, g.kernel, g.stride, strict=True
            )
        )
        made: Any = 0.0
        for weights, places in g.cells(counts):
            made = made + product(weights, padded[(..., *places)])
        tops.append(g.finish(made))
    return tops


# Intel's fork runs other layers within a convolution.
REFUSED = {
    "convolution_param.coeff": "weights the sum with another layer's top",
    "convolution_param.fusion_type": "adds another layer's top",
    "convolution_param.negative_slope": "is of a ReLU in the same layer",
    "convolution_param.relu": "runs a ReLU in the same layer",
    "convolution_param.shape_offset": "changes the size of the top",
}


@register_layer(
    "ConvolutionDepthwise",
    reference=convolution_reference,
    message="convolution_param",
    multiply_adds=convolution_cost,
    refused=REFUSED,
)
@register_layer(
    "DepthwiseConvolution",
    reference=convolution_reference,
    message="convolution_param",
    multiply_adds=convolution_cost,
    refused=REFUSED,
)
@register_layer(
    "Convolution",
    reference=convolution_reference,
    message="convolution_param",
    is_one_layer=True,
    multiply_adds=convolution_cost,
    refused=REFUSED,
)
def convolution(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """`ZeroPadding` and `Conv`, or `DepthwiseConv` for one group a channel."""
    expect_pairs(layer, inputs)
    kernel = Kernel(layer, inputs[0])
    sizes = [
        inputs[0].shape[layer.axis(2 + i, inputs[0])]
        for i in range(kernel.axes)
    ]
    for size, margin, extent in zip(
        sizes, kernel.pad, kernel.extent, strict=True
    ):
        if size + 2 * margin < extent:
            layer.fail("the kernel is larger than the padded bottom")
    weights, *bias = kernel.blobs(
        layer, (kernel.filters, kernel.channels // kernel.groups)
    )
    tops = []
    for index, x in enumerate(inputs):
        number = str(index or "")
        x = channels_last(layer, x, f"nhwc{number}")
        # `padding="same"` pads nothing at the top where Caffe pads one.
        x = pad(layer, x, [(p, p) for p in kernel.pad], f"pad{number}")
        if index:
            x = layer.call_again(x, f"top{number}")
        else:
            x = convolve(layer, x, kernel, weights, bias)
        # Keras has strides or dilation, so a dilated one takes every s-th
        # after.
        if strides_after(kernel):
            x = layer.add(
                POOLINGS[kernel.axes],
                x,
                f"stride{number}",
                pool_size=1,
                strides=kernel.stride,
            )
        tops.append(channels_first(layer, x, f"nchw{number}"))
    return tops


def expect_pairs(layer: Emission, inputs: list[Tensor]) -> None:
    """A convolution may run on several bottoms, with a top for each."""
    if not inputs or len(inputs) != len(layer.parameter.top):
        layer.fail(
            f"has {len(inputs)} bottoms and {len(layer.parameter.top)} tops; "
            "it takes as many of one as of the other"
        )
    if len({tuple(x.shape) for x in inputs}) > 1:
        layer.fail("its bottoms have different shapes")


def pad(
    layer: Emission, x: Tensor, edges: list[tuple[int, int]], part: str
) -> Tensor:
    """Zeros at both ends of each axis, if there are to be any."""
    return change_edges(layer, x, edges, part, PADDINGS, "padding")


def change_edges(
    layer: Emission,
    x: Tensor,
    edges: list[tuple[int, int]],
    part: str,
    classes: Mapping[int, type],
    argument: str,
) -> Tensor:
    """A Keras layer for cells at both ends of each axis, if there are any.

    Args:
        layer: The layer.
        x: Its bottom.
        edges: How many cells there are before and behind, for each axis.
        part: Name of the Keras layer.
        classes: Of Keras layers, by the number of axes.
        argument: What they call the edges.
    """
    if not any(map(any, edges)):
        return x
    edges = [(int(before), int(after)) for before, after in edges]
    words: Any = {argument: edges[0] if len(edges) == 1 else edges}
    return layer.add(classes[len(edges)], x, part, **words)


def strides_after(kernel: Kernel) -> bool:
    """Whether the convolution itself is left without strides."""
    return max(kernel.dilation) > 1 and max(kernel.stride) > 1


def convolve(
    layer: Emission,
    x: Tensor,
    kernel: Kernel,
    weights: np.ndarray,
    bias: list[np.ndarray],
) -> Tensor:
    """The convolution of a padded bottom.

    Args:
        layer: The layer.
        x: Its bottom, padded, channels-last.
        kernel: Its settings.
        weights: Out, in, height, width, as in Caffe.
        bias: Nothing, or one array.
    """
    strides = (1,) * kernel.axes if strides_after(kernel) else kernel.stride
    settings = {
        "kernel_size": kernel.size,
        "strides": strides,
        "dilation_rate": kernel.dilation,
        "use_bias": kernel.bias,
    }
    # Height, width, in, out in Keras.
    cells = tuple(range(2, 2 + kernel.axes))
    # TensorFlow's depthwise convolution has one stride for both axes.
    if kernel.depthwise and len(set(strides)) == 1:
        multiplier = kernel.filters // kernel.channels
        weights = weights.reshape(kernel.channels, multiplier, *kernel.size)
        return layer.add(
            DEPTHWISE[kernel.axes],
            x,
            weights=[weights.transpose(*cells, 0, 1), *bias],
            depth_multiplier=multiplier,
            **settings,
        )
    return layer.add(
        CONVOLUTIONS[kernel.axes],
        x,
        weights=[weights.transpose(*cells, 1, 0), *bias],
        filters=kernel.filters,
        groups=kernel.groups,
        **settings,
    )
