"""What Caffe puts into a blob that the model does not hold."""

import math

import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter


def fill(filler: FillerParameter, shape: tuple[int, ...]) -> np.ndarray | None:
    """Values of a filler, float32, or None for a filler that is unknown.

    Random fillers follow NumPy's global generator, which
    `keras.utils.set_random_seed` seeds.
    """
    kind = filler.type
    if kind == "constant":
        return np.full(shape, filler.value, np.float32)
    if kind == "uniform":
        return np.random.uniform(filler.min, filler.max, shape).astype("f4")
    if kind == "gaussian" and filler.sparse < 0:
        return np.random.normal(filler.mean, filler.std, shape).astype("f4")
    if kind in ("xavier", "msra"):
        fan = mean_fan(filler, shape)
        if kind == "xavier":
            edge = math.sqrt(3 / fan)
            return np.random.uniform(-edge, edge, shape).astype("f4")
        spread = math.sqrt(2 / (fan * (1 + filler.alpha**2)))
        return np.random.normal(0, spread, shape).astype("f4")
    if kind == "gaussian_unitball":
        rows = np.random.normal(size=(shape[0], math.prod(shape[1:])))
        norms = np.sqrt((rows**2).sum(1, keepdims=True) + 1e-12)
        return (rows / norms).reshape(shape).astype("f4")
    return None


def mean_fan(filler: FillerParameter, shape: tuple[int, ...]) -> float:
    """The number of inputs, of outputs, or their mean, as Caffe counts."""
    count = math.prod(shape)
    fan_in = count / shape[0]
    fan_out = count / shape[1] if len(shape) > 1 else count
    return (fan_in, fan_out, (fan_in + fan_out) / 2)[filler.variance_norm]
