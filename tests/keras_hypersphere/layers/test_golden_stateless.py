"""Flip and ScalarScale beside recordings of real Caffe."""

import json
import re

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.flip import Flip
from keras_hypersphere.layers.scalar_scale import ScalarScale
from keras_hypersphere.testing.gradients import gradients

FLIPS = ["default", "w0_h0", "w0_h1", "w1_h0", "w1_h1"]
# Not `channel_clamped`: a scale per channel is `ChannelAffine`, without range.
SCALES = ["", "_inplace", "_max_active", "_min_active", "_min_inactive"]


def close(found, wanted):
    wanted = np.asarray(wanted, "float64")
    error = np.abs(np.asarray(found, "float64") - wanted).max()
    assert error <= 1e-5 * np.abs(wanted).max()


def last(x):
    """(N, C, H, W) -> (N, H, W, C)."""
    return x.transpose(0, 2, 3, 1).astype("float32")


def option(recording, name, default=None):
    found = re.search(rf"{name}: *([^\s}}]+)", recording.meta["prototxt"])
    return json.loads(found[1]) if found else default


@pytest.mark.parametrize("seed", ["s0", "s1"])
@pytest.mark.parametrize("name", FLIPS)
def test_flip(recording, name, seed):
    z = recording(f"flip_{name}_{seed}")
    layer = Flip(option(z, "flip_width", True), option(z, "flip_height", False))

    def function(x):
        y = layer(x)
        return ops.sum(y * last(z["top_diff0"])), y

    result = gradients(function, [last(z["bottom0"])])
    close(result.outputs, last(z["top0"]))
    close(result.inputs[0], last(z["bottom_diff0"]))


@pytest.mark.parametrize("seed", ["s0", "s1"])
@pytest.mark.parametrize("name", SCALES)
def test_scalar_scale(recording, name, seed):
    z = recording(f"scale_scalar{name}_{seed}")
    low, high = option(z, "min_value"), option(z, "max_value")
    layer = ScalarScale(low or high or 1.0, range=(low, high))
    layer.build(z["bottom0"].shape)
    # Several recordings begin with a stored value outside of the range.
    layer.scale.assign(z["param0"])

    def function(x):
        y = layer(x)
        return ops.sum(y * z["top_diff0"].astype("float32")), y

    result = gradients(function, [z["bottom0"]], [layer.scale])
    close(result.outputs, z["top0"])
    close(result.inputs[0], z["bottom_diff0"])
    close(result.variables[0], z["param_diff0"])
    if "param0_after" in z:
        stored = layer.scale.constraint(layer.scale)
        close(ops.convert_to_numpy(stored), z["param0_after"])
