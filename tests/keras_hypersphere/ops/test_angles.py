import math

import keras
import numpy as np
import pytest

from keras_hypersphere.ops import angles
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.backends import float64


def psi_loop(cosine, margin):
    theta = math.acos(max(-1.0, min(1.0, cosine)))
    k = min(margin - 1, int(margin * theta / math.pi))
    return (-1) ** k * math.cos(margin * theta) - 2 * k


def evaluate(function, cosines, *arguments):
    """In float64, which JAX has only where it is switched on."""
    with float64():
        x = keras.ops.convert_to_tensor(np.asarray(cosines, "float64"))
        return keras.ops.convert_to_numpy(function(x, *arguments))


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
    def function(x):
        y = angles.psi(x, 4)
        return y, y

    result = gradients(function, [np.float32(value)])
    assert abs(float(result.value) - (1.0 if value > 0 else -7.0)) < 1e-3
    assert abs(float(result.inputs[0]) - 16.0) < 1e-2


def test_chebyshev_is_the_cosine_of_multiples():
    theta = np.linspace(0, np.pi, 50)
    for degree in range(9):
        np.testing.assert_allclose(
            evaluate(angles.chebyshev, np.cos(theta), degree),
            np.cos(degree * theta),
            atol=1e-12,
        )


@pytest.mark.parametrize("margin", [0.0, 0.1, 0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("easy", [False, True])
def test_shifted_equals_arccos_form(margin, easy):
    cosines = np.linspace(-1, 1, 1001)
    expected = []
    for c in cosines:
        theta = math.acos(c)
        if easy:
            value = math.cos(theta + margin) if c > 0 else c
        elif theta < math.pi - margin:
            value = math.cos(theta + margin)
        else:
            value = c - margin * math.sin(margin)
        expected.append(value)
    found = evaluate(angles.shifted, cosines, margin, easy)
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("value", [1.0, -1.0, 1.0 + 1e-6, -1.0 - 1e-6])
@pytest.mark.parametrize("easy", [False, True])
def test_shifted_has_finite_gradients_at_its_ends(value, easy):
    def function(x):
        y = angles.shifted(x, 0.5, easy)
        return keras.ops.sum(y), y

    result = gradients(function, [np.float32([value])])
    up = value > 0
    far = value if easy else value - 0.5 * math.sin(0.5)
    expected = value * math.cos(0.5) if up else far
    np.testing.assert_allclose(result.outputs, [expected], atol=1e-6)
    slope = math.cos(0.5) if up else 1.0
    np.testing.assert_allclose(result.inputs[0], [slope], rtol=1e-6)


def test_shifted_gradient_is_its_derivative_near_the_ends():
    cosines = np.float64([-0.87, -0.3, 0.0, 0.9, 0.999, 0.9999])

    def function(x):
        y = angles.shifted(x, 0.5)
        return keras.ops.sum(y), y

    found = gradients(function, [cosines.astype("float32")]).inputs[0]
    sines = np.sqrt(1 - cosines**2)
    expected = math.cos(0.5) + cosines / sines * math.sin(0.5)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize("margin", [1, 2, 3, 4, 7])
def test_stretched_by_a_whole_number_is_psi(margin):
    cosines = np.linspace(-1, 1, 1001)
    np.testing.assert_allclose(
        evaluate(angles.stretched, cosines, float(margin)),
        evaluate(angles.psi, cosines, margin),
        atol=1e-9,
    )


@pytest.mark.parametrize(("factor", "shift"), [(1.7, 0.0), (0.9, 0.4)])
def test_slope_of_stretched(factor, shift):
    theta = np.linspace(0.05, math.pi - 0.05, 50)
    phi = factor * theta + shift
    sign = (-1.0) ** np.floor(phi / math.pi)

    def function(c):
        y = angles.stretched(c, factor, shift)
        return keras.ops.sum(y), y

    found = gradients(function, [np.cos(theta).astype("float32")])
    wanted = sign * factor * np.sin(phi) / np.sin(theta)
    np.testing.assert_allclose(found.inputs[0], wanted, rtol=2e-3, atol=2e-4)
    ends = gradients(function, [np.float32([1.0, -1.0, 1.0000001])]).inputs[0]
    start = factor**2 if shift == 0 else 0.0
    np.testing.assert_allclose(ends, [start, 0.0, start], rtol=1e-6)


def test_turned_by_angles_of_either_sign():
    theta = np.linspace(0, math.pi, 101)
    for angle in (-0.4, 0.0, 0.4):
        wanted = np.cos(theta + angle)
        found = evaluate(angles.turned, np.cos(theta), angle)
        np.testing.assert_allclose(found, wanted, atol=2e-8)
        each = np.full(101, angle)
        with float64():
            each = keras.ops.convert_to_tensor(each)
        found = evaluate(angles.turned, np.cos(theta), each)
        np.testing.assert_allclose(found, wanted, atol=2e-8)
