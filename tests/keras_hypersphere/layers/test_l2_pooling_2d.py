import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.l2_pooling_2d import L2Pooling2D
from keras_hypersphere.testing.gradients import gradients


def loop(x, pool, strides, padding):
    """Window by window in float64."""
    x = x.astype("float64")
    (n, *sizes, c), starts = x.shape, []
    for size, k, s in zip(sizes, pool, strides, strict=True):
        if padding == "same":
            out = math.ceil(size / s)
            before = max((out - 1) * s + k - size, 0) // 2
        else:
            out, before = (size - k) // s + 1, 0
        starts.append([i * s - before for i in range(out)])
    y = np.zeros((n, len(starts[0]), len(starts[1]), c))
    for i, top in enumerate(starts[0]):
        for j, left in enumerate(starts[1]):
            rows = slice(max(top, 0), top + pool[0])
            columns = slice(max(left, 0), left + pool[1])
            window = x[:, rows, columns]
            y[:, i, j] = np.sqrt(np.sum(window**2, axis=(1, 2)))
    return y


CASES = [
    (3, 1, "same"),
    (3, 2, "same"),
    ((2, 3), (3, 1), "same"),
    (5, 5, "same"),
    (2, None, "valid"),
    ((3, 2), (1, 2), "valid"),
]


@pytest.mark.parametrize(("pool", "strides", "padding"), CASES)
def test_follows_the_loop(pool, strides, padding):
    x = np.random.default_rng(0).normal(size=(2, 7, 6, 3)).astype("float32")
    layer = L2Pooling2D(pool, strides, padding)
    found = ops.convert_to_numpy(layer(x))
    expected = loop(x, layer.pool_size, layer.strides, padding)
    assert found.shape == expected.shape == layer.compute_output_shape(x.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("padding", ["same", "valid"])
def test_images_of_any_size(padding):
    layer = L2Pooling2D(3, 2, padding)
    image = keras.Input((None, None, 2))
    model = keras.Model(image, layer(image))
    assert model.output_shape == (None, None, None, 2)
    x = np.random.default_rng(0).normal(size=(2, 8, 5, 2)).astype("float32")
    np.testing.assert_allclose(
        model.predict(x, verbose=0),
        loop(x, (3, 3), (2, 2), padding),
        rtol=1e-5,
    )


def test_gradient_is_the_direction_of_the_window():
    x = np.array([3.0, 4.0, 0.0, 0.0], "float32").reshape(1, 1, 4, 1)
    layer = L2Pooling2D((1, 2))

    def function(x):
        y = layer(x)
        return ops.sum(y), y

    result = gradients(function, [x])
    np.testing.assert_allclose(result.outputs.ravel(), [5, 0])
    # A window of zeros has no direction.
    np.testing.assert_allclose(result.inputs[0].ravel(), [0.6, 0.8, 0, 0])


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e15, 1e30])
def test_tiny_and_huge_windows(scale):
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    layer = L2Pooling2D(2)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(x * np.float32(scale))) / np.float32(scale),
        loop(x, (2, 2), (2, 2), "valid"),
        rtol=1e-5,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pool_size": 0}, "`pool_size`.*pool_size=0"),
        ({"pool_size": (2, 2, 2)}, "`pool_size` must be .*pair"),
        ({"pool_size": 2, "strides": 1.5}, "`strides`"),
        ({"pool_size": 2, "padding": "full"}, "`padding`.*padding='full'"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        L2Pooling2D(**arguments)


def test_refuses_a_window_larger_than_the_image():
    with pytest.raises(ValueError, match="`pool_size` must fit"):
        L2Pooling2D(4)(np.ones((1, 3, 5, 1), "float32"))
