import numpy as np
import pytest

from keras_hypersphere.ops import gradients


def test_graft_keeps_every_digit_of_the_value():
    import tensorflow as tf

    x = tf.Variable(np.float32([1e-6, 1.0]))
    with tf.GradientTape() as tape:
        y = gradients.graft(tf.constant([0.1, 1e-9]), 1e6 * x)
    assert y.numpy().tolist() == np.float32([0.1, 1e-9]).tolist()
    assert tape.gradient(y, x).numpy().tolist() == [1e6, 1e6]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_upcast_hands_back_finite_gradients(dtype):
    import tensorflow as tf

    x = tf.Variable(tf.zeros((2,), dtype))
    with tf.GradientTape() as tape:
        y = gradients.upcast(x, "float32")
    assert y.dtype == tf.float32
    upstream = tf.constant([np.float32(3.4e38), -3.4e38])
    gradient = tape.gradient(y, x, output_gradients=upstream)
    assert gradient.dtype == x.dtype
    assert np.isfinite(tf.cast(gradient, "float32")).all()
    assert float(gradient[0]) == float(tf.as_dtype(dtype).max)
