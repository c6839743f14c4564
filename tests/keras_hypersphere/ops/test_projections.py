import keras
import numpy as np
import pytest

from keras_hypersphere.backend import derivatives
from keras_hypersphere.ops import projections, sphere
from tests.keras_hypersphere.backends import float64

DRAW = np.random.default_rng(3)
X = DRAW.standard_normal((4, 5)).astype("float32")
W = DRAW.standard_normal((5, 6)).astype("float32")
G = DRAW.standard_normal((4, 6)).astype("float32")

tensor = keras.ops.convert_to_tensor
numpy = keras.ops.convert_to_numpy


def gradients(function, *arrays):
    """Value of `sum(function * G)`'s function, and its gradients."""

    def scalar(tensors, _):
        outputs = function(*tensors)
        return keras.ops.sum(outputs * tensor(G)), outputs

    tensors = [tensor(a) for a in arrays]
    _, outputs, found, _ = derivatives.differentiate(scalar, tensors, [])
    return numpy(outputs), [numpy(g) for g in found]


def reference(x, w, g, epsilon):
    """Projections and gradients in float64."""
    x, w, g = (a.astype("float64") for a in (x, w, g))
    long = np.sqrt((w**2).sum(0) + epsilon)
    cos = x @ w / long
    return cos, g @ (w / long).T, (x.T @ g - w * (g * cos).sum(0) / long) / long


@pytest.mark.parametrize("epsilon", [0.0, 1e-12, 0.5])
@pytest.mark.parametrize("size", [1e-20, 1.0, 1e15])
def test_project_is_a_product_with_directions(size, epsilon):
    w = W * np.float32(size)
    value, found = gradients(
        lambda x, w: projections.project(x, w, epsilon), X, w
    )
    expected = reference(X, w, G, epsilon)
    for ours, right in zip((value, *found), expected, strict=True):
        error = np.abs(ours - right).max()
        assert error <= 3e-6 * np.abs(right).max(), (ours, right)


def test_columns_of_all_sizes_in_one_kernel():
    sizes = np.float32([1e-20, 1e-10, 1, 1e10, 1e15, 0])
    value, (dx, dw) = gradients(projections.project, X, W * sizes)
    right, _, _ = reference(X, W, G, 0.0)
    np.testing.assert_allclose(value[:, :5], right[:, :5], rtol=1e-5, atol=1e-6)
    assert not value[:, 5].any()
    assert np.isfinite(dx).all() and np.isfinite(dw).all()


def test_straight_gradient():
    value, (dx, dw) = gradients(
        lambda x, w: projections.project(x, w, straight_through=True), X, W
    )
    right, right_dx, _ = reference(X, W, G, 0.0)
    np.testing.assert_allclose(value, right, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dx, right_dx, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(dw, X.T @ G, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [0.0, 1e-20, 1.0, 1e15])
def test_length(size):
    w = W * np.float32(size)
    value, (dw,) = gradients(lambda w: projections.length(w, 0), w)
    unit = W / np.linalg.norm(W, axis=0) if size else 0 * W
    right = np.linalg.norm(w.astype("float64"), axis=0)
    np.testing.assert_allclose(value[0], right, rtol=1e-6)
    np.testing.assert_allclose(dw, unit * G.sum(0), rtol=1e-5, atol=1e-6)


def test_float64_stays():
    with float64():
        w = tensor(W.astype("float64"))
        for result in (
            projections.inverse_length(w, 0, 1e-12),
            projections.length(w, 0),
        ):
            assert keras.backend.standardize_dtype(result.dtype) == "float64"
        ours = numpy(projections.inverse_length(w, 0))
    right = 1 / np.sqrt((W.astype("float64") ** 2).sum(0, keepdims=True))
    np.testing.assert_allclose(ours, right, rtol=1e-14)


def test_split_with_epsilon_gives_the_length_of_normalize():
    for size in (0.0, 1e-20, 1e-6, 1.0, 1e15):
        w = tensor(W * np.float32(size))
        factor, size, empty = sphere.split(w, 0, 1e-12)
        _, right = sphere.normalize(w, 0, epsilon=1e-12)
        np.testing.assert_allclose(numpy(factor * size), numpy(right), 1e-6)
        assert not numpy(empty).any()
