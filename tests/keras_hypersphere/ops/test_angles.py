import math

import keras
import numpy as np
import pytest

from keras_hypersphere.ops import angles


def psi_loop(cosine, margin):
    theta = math.acos(max(-1.0, min(1.0, cosine)))
    k = min(margin - 1, int(margin * theta / math.pi))
    return (-1) ** k * math.cos(margin * theta) - 2 * k


def evaluate(function, cosines, margin):
    x = keras.ops.convert_to_tensor(np.asarray(cosines, "float64"))
    return keras.ops.convert_to_numpy(function(x, margin))


@pytest.mark.parametrize("margin", range(1, 9))
def test_psi_equals_arccos_form(margin):
    cosines = np.linspace(-1, 1, 1001)
    expected = [psi_loop(c, margin) for c in cosines]
    np.testing.assert_allclose(
        evaluate(angles.psi, cosines, margin), expected, atol=1e-10
    )


@pytest.mark.parametrize("margin", range(1, 9))
def test_psi_at_its_knots_in_float32(margin):
    k = np.arange(margin + 1)
    cosines = np.cos(k * np.pi / margin).astype("float32")
    psi = angles.psi(keras.ops.convert_to_tensor(cosines), margin)
    np.testing.assert_allclose(psi, 1 - 2 * k, atol=1e-5)


@pytest.mark.parametrize("margin", range(2, 9))
def test_psi_falls_and_its_slope_is_its_derivative(margin):
    cosines = np.linspace(-0.999, 0.999, 500)
    values = evaluate(angles.psi, cosines, margin)
    assert (np.diff(values) > 0).all()
    step = 1e-6
    numeric = (
        evaluate(angles.psi, cosines + step, margin)
        - evaluate(angles.psi, cosines - step, margin)
    ) / (2 * step)
    slope = evaluate(angles.psi_slope, cosines, margin)
    # The slope is continuous in the angle, so borders are no exception.
    np.testing.assert_allclose(slope, numeric, atol=1e-3)


@pytest.mark.parametrize("value", [1.0, -1.0, 1.0 + 1e-6, -1.0 - 1e-6])
def test_ends_are_finite_with_finite_gradients(value):
    import tensorflow as tf

    x = tf.Variable(np.float32(value))
    with tf.GradientTape() as tape:
        y = angles.psi(x, 4)
    assert abs(float(y) - (1.0 if value > 0 else -7.0)) < 1e-3
    assert abs(float(tape.gradient(y, x)) - 16.0) < 1e-2


def test_chebyshev_is_the_cosine_of_multiples():
    theta = np.linspace(0, np.pi, 50)
    for degree in range(9):
        np.testing.assert_allclose(
            evaluate(angles.chebyshev, np.cos(theta), degree),
            np.cos(degree * theta),
            atol=1e-12,
        )
