"""What Caffe puts into a blob that the model does not hold."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter

Shape = tuple[int, ...]

AT_ONCE = 2**20


def fill(filler: FillerParameter, shape: Shape) -> np.ndarray | None:
    """Values of a filler, float32, or None for a filler that is unknown.

    Random fillers begin where NumPy's global generator is, which
    `keras.utils.set_random_seed` seeds.

    Raises:
        ValueError: If the filler does not suit the shape.
    """
    make = FILLERS.get(filler.type)
    if make is None:
        return None
    if filler.sparse < -1 or (filler.sparse >= 0 and make is not gaussian):
        raise ValueError(f"`sparse: {filler.sparse}` is not allowed here")
    if filler.scale != 1:
        raise ValueError(f"`scale: {filler.scale:g}` is not supported")
    return np.asarray(make(filler, shape), np.float32)


def random_normal(shape: Shape) -> np.ndarray:
    """Of mean 0 and variance 1. The global generator has no float32."""
    return generator().standard_normal(shape, np.float32)


def random_uniform(shape: Shape) -> np.ndarray:
    """Between 0 and 1."""
    return generator().random(shape, np.float32)


def generator() -> np.random.Generator:
    """A generator that follows from the global one."""
    return np.random.default_rng(np.random.randint(2**32, size=4, dtype="u4"))


def constant(filler: FillerParameter, shape: Shape) -> np.ndarray:
    """One number everywhere."""
    return np.full(shape, filler.value, np.float32)


def uniform(filler: FillerParameter, shape: Shape) -> np.ndarray:
    """Between two numbers."""
    if filler.min > filler.max:
        raise ValueError(f"`min: {filler.min:g}` is above `max`")
    return draw(shape, partial(np.random.uniform, filler.min, filler.max))


def gaussian(filler: FillerParameter, shape: Shape) -> np.ndarray:
    """Normal; `sparse` is how many inputs of an output are not zero."""
    if filler.std <= 0:
        raise ValueError(f"`std: {filler.std:g}` must be positive")
    values = draw(shape, partial(np.random.normal, filler.mean, filler.std))
    if filler.sparse < 0:
        return values
    outputs = shape[0] if shape else 0
    if filler.sparse > outputs:
        raise ValueError(f"`sparse: {filler.sparse}` of {outputs} outputs")
    return values * (random_uniform(shape) < filler.sparse / outputs)


def xavier(filler: FillerParameter, shape: Shape) -> np.ndarray:
    """Uniform, with a variance of 1 / n, n being `mean_fan`."""
    edge = math.sqrt(3 / mean_fan(filler, shape))
    return draw(shape, partial(np.random.uniform, -edge, edge))


def msra(filler: FillerParameter, shape: Shape) -> np.ndarray:
    """Normal, with a variance of 2 / n, less for the slope of a leaky ReLU."""
    spread = math.sqrt(2 / (mean_fan(filler, shape) * (1 + filler.alpha**2)))
    return draw(shape, partial(np.random.normal, 0, spread))


def gaussian_unitball(filler: FillerParameter, shape: Shape) -> np.ndarray:
    """Rows of length one, in all directions alike (NormFace)."""
    rows = random_normal(as_rows(shape))
    norms = np.sqrt((rows**2).sum(1, keepdims=True) + 1e-12)
    return (rows / norms).reshape(shape)


def positive_unitball(filler: FillerParameter, shape: Shape) -> np.ndarray:
    """Rows of positive numbers that sum to one."""
    rows = random_uniform(as_rows(shape))
    return (rows / rows.sum(1, keepdims=True)).reshape(shape)


def bilinear(filler: FillerParameter, shape: Shape) -> np.ndarray:
    """A pyramid in each kernel: a deconvolution that enlarges an image."""
    if len(shape) != 4 or shape[2] != shape[3]:
        raise ValueError(f"bilinear takes square kernels, not {shape}")
    half = math.ceil(shape[3] / 2)
    center = (2 * half - 1 - half % 2) / (2 * half)
    slope = 1 - np.abs(np.arange(shape[3]) / half - center)
    return np.broadcast_to(np.outer(slope, slope), shape)


def identity(filler: FillerParameter, shape: Shape) -> np.ndarray:
    """Ones on the diagonal of the first two axes, as `ms` writes them."""
    outputs, inputs = (*shape, 1, 1)[:2]
    if outputs != inputs:
        raise ValueError(f"identity takes as many inputs as outputs: {shape}")
    values = np.zeros(math.prod(shape))
    # One kernel cell apart, which is the diagonal only where kernels are 1 x 1.
    values[np.arange(outputs) * (inputs + 1)] = 1
    return values.reshape(shape)


def draw(shape: Shape, numbers: Callable[[int], Any]) -> np.ndarray:
    """Random numbers, which NumPy makes in twice the size, a part at a time."""
    values = np.empty(math.prod(shape), np.float32)
    for start in range(0, values.size, AT_ONCE):
        part = values[start : start + AT_ONCE]
        part[:] = numbers(part.size)
    return values.reshape(shape)


def stretch(values: np.ndarray, factor: float, offset: float) -> np.ndarray:
    """`values * factor + offset`, without a copy of what may be large."""
    values = np.asarray(values)
    values *= np.float32(factor)
    values += np.float32(offset)
    return values


def mean_fan(filler: FillerParameter, shape: Shape) -> float:
    """The number of inputs, of outputs, or their mean, as Caffe counts."""
    count = math.prod(shape)
    fan_in = count / shape[0] if shape else count
    fan_out = count / shape[1] if len(shape) > 1 else count
    return (fan_in, fan_out, (fan_in + fan_out) / 2)[filler.variance_norm]


def as_rows(shape: Shape) -> tuple[int, int]:
    """The first axis, and all others as one."""
    return shape[0] if shape else 1, math.prod(shape[1:])


FILLERS: dict[str, Callable[[FillerParameter, Shape], np.ndarray]] = {
    "bilinear": bilinear,
    "constant": constant,
    "gaussian": gaussian,
    "gaussian_unitball": gaussian_unitball,
    "identity": identity,
    "msra": msra,
    "positive_unitball": positive_unitball,
    "uniform": uniform,
    "xavier": xavier,
}
