from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.max_feature_map import MaxFeatureMap
from keras_hypersphere.testing.gradients import gradients

SHARED = Path(__file__).parents[3] / ".." / "shared" / "conversion"


@pytest.mark.parametrize("axis", [-1, 1, 2, -2])
def test_first_half_against_second_half(axis):
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 8)).astype("float32")
    a, b = np.split(x, 2, axis)
    layer = MaxFeatureMap(axis)
    found = ops.convert_to_numpy(layer(x))
    np.testing.assert_array_equal(found, np.maximum(a, b))
    assert layer.compute_output_shape(x.shape) == found.shape


def test_gradient_goes_to_the_larger_and_at_a_tie_to_the_second():
    x = np.array([[1.0, 5.0, 2.0, 3.0, 4.0, 2.0]], "float32")
    layer = MaxFeatureMap()

    def function(x):
        y = layer(x)
        weights = np.array([[1.0, 10.0, 100.0]], "float32")
        return ops.sum(ops.multiply(y, weights)), y

    found = gradients(function, [x]).inputs[0]
    np.testing.assert_array_equal(found, [[0, 10, 0, 1, 0, 100]])


@pytest.mark.parametrize("axis", [0, 4, -4, -5])
def test_refuses_other_axes(axis):
    with pytest.raises(ValueError, match=f"`axis`.*axis={axis}"):
        MaxFeatureMap(axis)(np.ones((2, 4, 6, 8), "float32"))


@pytest.mark.parametrize("channels", [5, None])
def test_refuses_odd_or_unknown_channels(channels):
    with pytest.raises(ValueError, match="known, even size"):
        MaxFeatureMap()(keras.Input((4, 4, channels)))


@pytest.mark.parametrize("axis", [1.0, "last", True, None])
def test_refuses_what_is_no_integer(axis):
    with pytest.raises(ValueError, match="`axis` must be an integer"):
        MaxFeatureMap(axis)


def test_recording_of_caffe():
    folder = SHARED / "slice_mfm_a"
    if not folder.exists():
        pytest.skip(f"no recordings in {SHARED}")
    blobs = np.load(folder / "blobs.npz")
    x = np.load(folder / "input.npy")
    layer = MaxFeatureMap()
    found = ops.convert_to_numpy(layer(x.transpose(0, 2, 3, 1)))
    np.testing.assert_array_equal(found.transpose(0, 3, 1, 2), blobs["blob_m"])
    halves = np.concatenate([blobs["blob_i1"], blobs["blob_i2"]], axis=1)
    found = ops.convert_to_numpy(layer(halves))
    np.testing.assert_array_equal(found, blobs["blob_mi"])
