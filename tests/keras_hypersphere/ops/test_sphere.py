import keras
import numpy as np
import pytest

from keras_hypersphere.ops import sphere
from keras_hypersphere.testing.gradients import gradients


def gradient_of(function, x, upstream):
    def weighted(x):
        y = function(x)
        return keras.ops.sum(keras.ops.multiply(y, upstream)), y

    result = gradients(weighted, [x])
    return result.outputs, result.inputs[0]


@pytest.mark.parametrize("norm", ["l2", "l1"])
@pytest.mark.parametrize("epsilon", [0.0, 1e-12])
def test_equals_loops(norm, epsilon):
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    unit, length = sphere.normalize(
        keras.ops.convert_to_tensor(x), norm=norm, epsilon=epsilon
    )
    for i, row in enumerate(x.astype("float64")):
        total = sum(v * v for v in row) if norm == "l2" else sum(map(abs, row))
        total += epsilon
        r = total**0.5 if norm == "l2" else total
        np.testing.assert_allclose(length[i, 0], r, rtol=1e-6)
        np.testing.assert_allclose(unit[i], row / r, rtol=1e-5)


@pytest.mark.parametrize("norm", ["l2", "l1"])
@pytest.mark.parametrize("size", [1e-20, 1e-10, 1.0, 1e10, 1e15, 1e18])
def test_every_scale_keeps_direction_and_gradient(norm, size):
    direction = np.float32([3.0, -4.0, 12.0])
    g = np.float32([[1.0, 2.0, -1.0]])
    length = 13.0 if norm == "l2" else 19.0
    x = np.float32(size) * direction[None]
    unit, gradient = gradient_of(
        lambda v: sphere.normalize(v, norm=norm)[0], x, g
    )
    y = direction.astype("float64") / length
    np.testing.assert_allclose(unit[0], y, rtol=1e-5)
    inner = (g[0] * y).sum()
    along = y if norm == "l2" else np.sign(direction)
    expected = (g[0] - along * inner) / (length * np.float64(size))
    np.testing.assert_allclose(
        gradient[0], expected, rtol=1e-4, atol=1e-5 * abs(expected).max()
    )


@pytest.mark.parametrize("norm", ["l2", "l1"])
@pytest.mark.parametrize("epsilon", [0.0, 1e-12])
@pytest.mark.parametrize("d", [1, 3])
def test_zero_gives_zero_and_finite_gradients(norm, epsilon, d):
    x = np.zeros((2, d), "float32")

    def both(v):
        unit, length = sphere.normalize(v, norm=norm, epsilon=epsilon)
        return keras.ops.concatenate([unit, length], axis=-1)

    y, gradient = gradient_of(both, x, np.ones((2, d + 1), "float32"))
    assert np.all(y[:, :d] == 0)
    assert np.isfinite(y).all() and np.isfinite(gradient).all()


def test_one_number_keeps_the_digits_of_its_derivative():
    x = np.float32([[0.37], [-20.0], [1e-4], [1e-8]])
    floor = 1e-3
    _, gradient = gradient_of(
        lambda v: sphere.normalize(v, epsilon=floor**2)[0],
        x,
        np.ones_like(x),
    )
    wide = x.astype("float64")
    expected = floor**2 / (wide**2 + floor**2) ** 1.5
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)


def test_split_multiplies_to_the_length():
    x = np.float32([[3e-30, 4e-30], [3e30, 4e30], [0, 0]])
    x = keras.ops.convert_to_tensor(x)
    factor, size, empty = map(np.asarray, sphere.split(x))
    np.testing.assert_allclose((factor * size)[:2, 0], [5e-30, 5e30], rtol=1e-6)
    assert empty.ravel().tolist() == [False, False, True]
    assert size[2, 0] == 1
