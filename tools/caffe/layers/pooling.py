"""Pooling: Caffe counts windows by rounding up."""

from typing import Any

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.arrays import (
    STOCHASTIC,
    pool,
    windows,
)
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

MAX, AVE = 0, 1
FLOOR = 1
LOWEST = float(np.finfo(np.float32).min)
# Numbers of cells are written down for each window.
MOST_CELLS = 2**24


class Window:
    """The windows of one axis.

    Args:
        size: Length of the axis.
        kernel, pad, stride: As in the prototxt.
        round_down: `round_mode: FLOOR`, or a fork's `ceil_mode: false`.

    Attributes:
        count: How many windows there are.
        after: Cells to add at the end, so that the last one is complete.
        lengths: Cells of each window that lie in the padded axis. Padding
            counts; what rounding up adds does not.
    """

    def __init__(
        self, size: int, kernel: int, pad: int, stride: int, round_down: bool
    ) -> None:
        self.size, self.kernel, self.pad, self.stride = (
            size,
            kernel,
            pad,
            stride,
        )
        steps = size + 2 * pad - kernel
        self.count = (steps if round_down else steps + stride - 1) // stride + 1
        # A last window that would start in the padding is left out.
        if pad and (self.count - 1) * stride >= size + pad:
            self.count -= 1
        end = (self.count - 1) * stride + kernel
        self.after = max(end - size - pad, 0)
        starts = np.arange(self.count) * stride
        ends = np.minimum(starts + kernel, size + 2 * pad)
        # Below zero for a window that begins after the end: Caffe divides
        # its sum, which is 0, by that, and makes 0 and not NaN.
        self.lengths = ends - starts

    @property
    def is_same(self) -> bool:
        """Whether Keras' `padding="same"` has the same windows."""
        total = max((self.count - 1) * self.stride + self.kernel - self.size, 0)
        return self.count == -(-self.size // self.stride) and (
            total // 2 == self.pad
        )


def first_maxima(
    x: np.ndarray, kernel: tuple, pad: tuple, stride: tuple, floor: bool
) -> np.ndarray:
    """Where each window's largest value lies, counted over the whole map."""
    rows = windows(x.shape[-2], kernel[0], pad[0], stride[0], floor)
    columns = windows(x.shape[-1], kernel[1], pad[1], stride[1], floor)
    found = np.full((*x.shape[:-2], len(rows), len(columns)), -1.0)
    for i, (top, bottom, _) in enumerate(rows):
        for j, (left, right, _) in enumerate(columns):
            window = x[..., top:bottom, left:right]
            if window.size:
                place = window.reshape(*x.shape[:-2], -1).argmax(-1)
                row, column = np.divmod(place, right - left)
                found[..., i, j] = (top + row) * x.shape[-1] + left + column
    return found


def pooling_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """The largest value, or the mean, of each window."""
    (x,) = bottoms
    settings = layer.parameter.pooling_param
    if settings.pool == STOCHASTIC:
        layer.fail("stochastic pooling has no CPU version in Caffe")
    if settings.global_pooling:
        kernel, pad, stride = x.shape[-2:], (0, 0), (1, 1)
    else:
        kernel, pad, stride = (
            (getattr(settings, f"{word}_h"), getattr(settings, f"{word}_w"))
            if settings.HasField(f"{word}_h")
            else (getattr(settings, name),) * 2
            for word, name in (
                ("kernel", "kernel_size"),
                ("pad", "pad"),
                ("stride", "stride"),
            )
        )
    floor = settings.round_mode == FLOOR or not settings.ceil_mode
    average = settings.pool == AVE
    tops = [pool(x, kernel, pad, stride, average, floor)]
    if len(layer.parameter.top) > 1:
        if average:
            layer.fail("AVE has one top")
        tops.append(first_maxima(x, kernel, pad, stride, floor))
    return tops


@register_layer(
    "Pooling",
    reference=pooling_reference,
    keeps_channels=True,
    refused={
        "pooling_param.avg_include_pad": "leaves the padding out of averages",
        "pooling_param.axis": "pools over other axes",
        "pooling_param.kernel_size_3d": "pools volumes",
        "pooling_param.pad_3d": "pools volumes",
        "pooling_param.stride_3d": "pools volumes",
        "pooling_param.torch_pooling": "rounds and pads as Torch does",
    },
)
def pooling(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """MAX (also with its mask) and AVE, windows counted as in Caffe; global."""
    x = layer.expect(inputs, 1, rank=4)
    settings, tops = layer.parameter.pooling_param, layer.parameter.top
    refuse_stochastic(layer, settings)
    if len(tops) > 1 and settings.pool != MAX:
        layer.fail("has a second top, which only MAX fills")
    kernel, pad, stride = sizes(layer, settings)
    if settings.global_pooling and len(tops) == 1:
        return [
            layer.add(
                keras.layers.GlobalMaxPooling2D
                if settings.pool == MAX
                else keras.layers.GlobalAveragePooling2D,
                x,
                keepdims=True,
            )
        ]
    if settings.global_pooling:
        kernel = x.shape[1:3]
    refuse_huge(layer, *(x.shape[1 + i] + 2 * pad[i] for i in (0, 1)))
    round_down = rounds_down(layer, settings)
    windows = [
        Window(x.shape[1 + i], kernel[i], pad[i], stride[i], round_down)
        for i in (0, 1)
    ]
    if min(window.count for window in windows) < 1:
        layer.fail("the kernel is larger than the padded bottom")
    if settings.pool == AVE:
        return [average(layer, x, windows)]
    highest = maximum(layer, x, windows)
    if len(tops) == 1:
        return [highest]
    return [highest, mask(layer, x, highest, windows)]


def rounds_down(layer: Emission, settings: Any) -> bool:
    """Whether windows are counted by rounding down, in either spelling."""
    down = settings.round_mode == FLOOR
    both = settings.HasField("round_mode") and settings.HasField("ceil_mode")
    if both and down == settings.ceil_mode:
        layer.fail(
            "gives `round_mode` and a `ceil_mode` that says the opposite; "
            "give one of them"
        )
    return down or not settings.ceil_mode


def refuse_stochastic(layer: Emission, settings: Any) -> None:
    """On the CPU Caffe has not implemented it either."""
    if settings.pool not in (MAX, AVE):
        layer.unsupported(
            "stochastic pooling is not supported; MAX and AVE are"
        )


def refuse_huge(layer: Emission, *counts: int) -> None:
    """No real network has them, and they would fill the memory."""
    if max(counts) > MOST_CELLS:
        layer.unsupported(
            f"windows over {max(counts)} cells are not supported; "
            f"{MOST_CELLS} are the most"
        )


def sizes(layer: Emission, settings: Any) -> list[tuple[int, int]]:
    """Kernel, pad and stride of both axes, as Caffe checks them."""
    if settings.global_pooling:
        given = ("kernel_size", "kernel_h", "kernel_w")
        if any(settings.HasField(name) for name in given):
            layer.fail("gives `global_pooling` and a kernel; give one of them")
    found = []
    for name, word in (
        ("kernel_size", "kernel"),
        ("pad", "pad"),
        ("stride", "stride"),
    ):
        both = [settings.HasField(f"{word}_{axis}") for axis in "hw"]
        one = settings.HasField(name)
        if (one and any(both)) or any(both) != all(both):
            layer.fail(
                f"give `{name}`, or `{word}_h` and `{word}_w`, and not both"
            )
        if word == "kernel" and not one and not any(both):
            if not settings.global_pooling:
                layer.fail("has no `kernel_size`")
            found.append((1, 1))
        elif any(both):
            found.append(
                (getattr(settings, f"{word}_h"), getattr(settings, f"{word}_w"))
            )
        else:
            found.append((getattr(settings, name),) * 2)
    kernel, pad, stride = found
    if min(*kernel, *stride) < 1:
        layer.fail("a kernel or stride of 0 is not allowed")
    if settings.global_pooling and (pad, stride) != ((0, 0), (1, 1)):
        layer.fail(
            f"gives `global_pooling`, the padding {pad} and the stride "
            f"{stride}; Caffe takes only a padding of 0 and a stride of 1 then"
        )
    if pad[0] >= kernel[0] or pad[1] >= kernel[1]:
        layer.fail(
            f"the padding {pad} must be smaller than the kernel {kernel}"
        )
    return found


def maximum(
    layer: Emission, x: Tensor, windows: list[Window], part: str = ""
) -> Tensor:
    """Cells that are not there never win."""
    same = all(window.is_same for window in windows)
    if not same:
        # Zeros would win over negative values.
        x = surrounded(layer, x, windows)
    return layer.add(
        keras.layers.MaxPooling2D,
        x,
        part,
        pool_size=tuple(window.kernel for window in windows),
        strides=tuple(window.stride for window in windows),
        padding="same" if same else "valid",
    )


def surrounded(layer: Emission, x: Tensor, windows: list[Window]) -> Tensor:
    """With the lowest number around it, so that each window is complete."""
    if not any(window.pad or window.after for window in windows):
        return x
    return layer.compute(
        keras.ops.pad,
        x,
        ((0, 0), *((w.pad, w.after) for w in windows), (0, 0)),
        constant_values=LOWEST,
        part="pad",
    )


def mask(
    layer: Emission, x: Tensor, highest: Tensor, windows: list[Window]
) -> Tensor:
    """Where each maximum lies: row x width + column; the first of equals."""
    rows, columns = windows
    refuse_huge(
        layer,
        rows.count * rows.kernel,
        columns.count * columns.kernel,
        rows.kernel * columns.kernel,
        rows.count * columns.count,
    )
    cells = unfold(
        layer,
        surrounded(layer, x, windows),
        *(
            np.arange(w.count)[:, None] * w.stride + np.arange(w.kernel)
            for w in windows
        ),
    )
    places = layer.compute(keras.ops.argmax, cells, axis=3, part="argmax")
    # Cells of a window, and the first cell of each window.
    inside = np.add.outer(
        np.arange(rows.kernel) * columns.size, np.arange(columns.kernel)
    )
    first = np.add.outer(
        (np.arange(rows.count) * rows.stride - rows.pad) * columns.size,
        np.arange(columns.count) * columns.stride - columns.pad,
    )
    places = layer.compute(
        keras.ops.take, inside.ravel().astype("f4"), places, part="inside"
    )
    # Keras on TensorFlow adds along another axis where sizes are equal; it
    # does not subtract so.
    first = -first[None, :, :, None].astype("f4")
    places = layer.compute(keras.ops.subtract, places, first, part="cell")
    # Caffe finds no maximum where there is nothing above the lowest number.
    found = layer.compute(keras.ops.greater, highest, LOWEST, part="found")
    places = layer.compute(keras.ops.where, found, places, -1.0, part="or_none")
    top = layer.label(places, "mask")
    # Upsample needs to know which window a place belongs to.
    top.caffe_windows = windows
    return top


def unfold(
    layer: Emission, x: Tensor, rows: np.ndarray, columns: np.ndarray
) -> Tensor:
    """The cells of each window, as an axis before the channels.

    Args:
        layer: The layer.
        x: N, H, W, C.
        rows: Windows x kernel: which rows of `x`.
        columns: Windows x kernel: which columns.

    Returns:
        N, windows down, windows across, kernel x kernel cells, C.
    """
    (down, height), (across, width) = rows.shape, columns.shape
    for axis, lines in ((1, rows), (2, columns)):
        x = layer.compute(
            keras.ops.take, x, lines.ravel(), axis=axis, part="lines"
        )
    channels = x.shape[3]
    x = layer.add(
        keras.layers.Reshape,
        x,
        "windows",
        target_shape=(down, height, across, width, channels),
    )
    x = layer.add(keras.layers.Permute, x, "cells", dims=(1, 3, 2, 4, 5))
    return layer.add(
        keras.layers.Reshape,
        x,
        "unfold",
        target_shape=(down, across, height * width, channels),
    )


def average(
    layer: Emission, x: Tensor, windows: list[Window], part: str = ""
) -> Tensor:
    """The divisor counts padding, and not what rounding up adds."""
    if any(window.pad or window.after for window in windows):
        x = layer.add(
            keras.layers.ZeroPadding2D,
            x,
            "pad",
            padding=tuple((w.pad, w.after) for w in windows),
        )
    complete = all((w.lengths == w.kernel).all() for w in windows)
    x = layer.add(
        keras.layers.AveragePooling2D,
        x,
        part if complete else "mean",
        pool_size=tuple(window.kernel for window in windows),
        strides=tuple(window.stride for window in windows),
    )
    if complete:
        return x
    # Windows that reach over the end are divided by fewer cells. An empty
    # one is 0 / 0, which is what Caffe gives.
    with np.errstate(divide="ignore"):
        rows, columns = (
            np.float32(w.kernel) / w.lengths.astype(np.float32) for w in windows
        )
    factors = rows[None, :, None, None] * columns[None, None, :, None]
    x = layer.compute(keras.ops.multiply, x, factors, part="scale")
    return layer.label(x, part)
