"""Reductions of columns, in whichever way the backend is fast."""

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.ops.projections import inverse_length
from keras_hypersphere.testing.gradients import gradients


@pytest.mark.parametrize("scale", [1.0, 1e-20, 1e-7, 1e8, 1e12])
def test_inverse_lengths_and_their_slopes(scale):
    rng = np.random.default_rng(0)
    w = (scale * rng.normal(size=(7, 5))).astype("float32")
    upstream = rng.normal(size=(1, 5)).astype("float32")
    # The slope itself must fit.
    upstream *= min(scale, 1.0)
    weights = ops.convert_to_tensor(upstream)

    def function(w):
        value = inverse_length(w, 0)
        return ops.sum(value * weights), [ops.stop_gradient(value)]

    result = gradients(function, [w])
    wide = w.astype("float64")
    length = np.sqrt((wide**2).sum(axis=0, keepdims=True))
    np.testing.assert_allclose(
        np.asarray(result.outputs[0]), 1 / length, rtol=1e-6
    )
    slope = -wide / length**3 * upstream
    np.testing.assert_allclose(
        result.inputs[0], slope, rtol=1e-4, atol=1e-5 * np.abs(slope).max()
    )


def test_zero_columns_and_nan():
    w = np.zeros((3, 2), "float32")
    assert ops.convert_to_numpy(inverse_length(w, 0)).tolist() == [[1.0, 1.0]]
    w[1, 1] = np.nan
    found = ops.convert_to_numpy(inverse_length(ops.convert_to_tensor(w), 0))
    assert found[0, 0] == 1.0 and np.isnan(found[0, 1])
