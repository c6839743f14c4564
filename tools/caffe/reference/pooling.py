"""Pooling, window by window."""

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]
MAX, AVE, STOCHASTIC = 0, 1, 2
FLOOR = 1
LOWEST = -float(np.finfo(np.float32).max)


def windows(
    size: int, kernel: int, pad: int, stride: int, floor: bool = False
) -> list[tuple[int, int, int]]:
    """Start, end, and the length that AVE divides by, of each window.

    The length counts padding, and is not cut off at zero: Caffe subtracts.
    """
    steps = (size + 2 * pad - kernel) / stride
    count = int(np.floor(steps) if floor else np.ceil(steps)) + 1
    if pad and (count - 1) * stride >= size + pad:
        count -= 1
    found = []
    for index in range(count):
        start = index * stride - pad
        length = min(start + kernel, size + pad) - start
        first, last = max(start, 0), min(start + kernel, size)
        found.append((min(first, size), max(last, min(first, size)), length))
    return found


def pool(
    x: np.ndarray,
    kernel: tuple,
    pad: tuple,
    stride: tuple,
    average: bool,
    floor: bool = False,
) -> np.ndarray:
    """MAX or AVE over the last two axes; one axis after the other."""
    for axis, k, p, s in zip((-2, -1), kernel, pad, stride, strict=True):
        x = np.moveaxis(x, axis, 0)
        rows = []
        for start, end, length in windows(len(x), k, p, s, floor):
            if average:
                rows.append(x[start:end].sum(0) / np.float64(length))
            else:
                rows.append(x[start:end].max(0, initial=LOWEST))
        x = np.moveaxis(np.stack(rows), 0, axis)
    return x


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


@register_reference("Pooling")
def pooling(layer: ReferenceLayer, bottoms: Bottoms) -> list[np.ndarray]:
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
    floor = settings.round_mode == FLOOR
    average = settings.pool == AVE
    tops = [pool(x, kernel, pad, stride, average, floor)]
    if len(layer.parameter.top) > 1:
        if average:
            layer.fail("AVE has one top")
        tops.append(first_maxima(x, kernel, pad, stride, floor))
    return tops


@register_reference("SPP")
def spp(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Pools into 1, 4, 16 ... cells, and joins them."""
    (x,) = bottoms
    settings = layer.parameter.spp_param
    if settings.pool == STOCHASTIC:
        layer.fail("stochastic pooling has no CPU version in Caffe")
    parts = []
    for level in range(settings.pyramid_height):
        bins = 2**level
        kernel = tuple(-(-size // bins) for size in x.shape[-2:])
        pad = tuple(
            (k * bins - size + 1) // 2
            for k, size in zip(kernel, x.shape[-2:], strict=True)
        )
        parts.append(pool(x, kernel, pad, kernel, settings.pool == AVE))
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([part.reshape(len(x), -1) for part in parts], 1)
