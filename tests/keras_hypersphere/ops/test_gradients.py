import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere import testing
from keras_hypersphere.ops import gradients


def test_graft_keeps_every_digit_of_the_value():
    value = np.float32([0.1, 1e-9])

    def function(x):
        y = gradients.straight_through(ops.convert_to_tensor(value), 1e6 * x)
        return ops.sum(y), y

    result = testing.gradients(function, [np.float32([1e-6, 1.0])])
    assert result.outputs.tolist() == value.tolist()
    assert result.inputs[0].tolist() == [1e6, 1e6]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_upcast_hands_back_finite_gradients(dtype):
    upstream = np.float32([3.4e38, -3.4e38])

    def function(x):
        y = gradients.upcast(x, "float32")
        assert keras.backend.standardize_dtype(y.dtype) == "float32"
        return ops.sum(ops.multiply(y, upstream)), y

    x = ops.zeros((2,), dtype)
    [gradient] = testing.gradients(function, [x]).inputs
    largest = gradients.LARGEST[dtype]
    assert gradient.astype("float64").tolist() == [largest, -largest]
