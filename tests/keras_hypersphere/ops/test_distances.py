import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.ops import distances
from keras_hypersphere.testing.gradients import array, gradients


def oracle(x, w, upstream, distance):
    """Distances and both gradients, entry by entry in float64."""
    n, c = len(x), len(w)
    values, dx, dw = np.zeros((n, c)), np.zeros(x.shape), np.zeros(w.shape)
    for i in range(n):
        for j in range(c):
            gap = x[i].astype("float64") - w[j]
            slope = np.sign(gap) if distance == "l1" else 2 * gap
            size = np.abs(gap) if distance == "l1" else gap**2
            values[i, j] = size.sum()
            dx[i] += upstream[i, j] * slope
            dw[j] -= upstream[i, j] * slope
    return values, dx, dw


def tensors(*arrays):
    return [ops.convert_to_tensor(a) for a in arrays]


def ours(x, w, upstream, distance):
    upstream = ops.convert_to_tensor(upstream)

    def function(x, w):
        y = distances.pairwise(x, w, distance)
        return ops.sum(y * upstream), y

    result = gradients(function, [x, w])
    return result.outputs, *result.inputs


@pytest.mark.parametrize("distance", ["squared-l2", "l1"])
@pytest.mark.parametrize("rows", [5, 700])
def test_follows_the_loop(rows, distance):
    """On either side of SMALL."""
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(6, 24)).astype("float32")
    w = rng.normal(size=(rows, 24)).astype("float32")
    x[0] = w[0]
    upstream = rng.normal(size=(6, rows)).astype("float32")
    assert (w.size > distances.SMALL) == (rows == 700)
    for found, wanted in zip(
        ours(x, w, upstream, distance),
        oracle(x, w, upstream, distance),
        strict=True,
    ):
        error = np.abs(found - wanted).max() / np.abs(wanted).max()
        assert error < 2e-6


@pytest.mark.parametrize("rows", [5, 700])
@pytest.mark.parametrize("epsilon", [0.0, 1e-12, 3.0])
def test_directions_follow_the_loop(rows, epsilon):
    """On either side of SMALL; with a large epsilon they are shorter."""
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(6, 24)).astype("float32")
    w = rng.normal(size=(rows, 24)).astype("float32")
    upstream = rng.normal(size=(6, rows)).astype("float32")

    def function(x, w):
        y = distances.to_directions(x, w, epsilon)
        return ops.sum(y * ops.convert_to_tensor(upstream)), y

    found = gradients(function, [x, w])
    wide = w.astype("float64")
    length = np.sqrt((wide**2).sum(1, keepdims=True) + epsilon)
    unit = wide / length
    wanted, dx, d_unit = oracle(x, unit, upstream, "squared-l2")
    dw = (d_unit - unit * (d_unit * unit).sum(1, keepdims=True)) / length
    for ours, theirs in zip(
        [found.outputs, *found.inputs], [wanted, dx, dw], strict=True
    ):
        error = np.abs(ours - theirs).max() / np.abs(theirs).max()
        assert error < 2e-6


def test_small_distances_are_exact_with_few_agents():
    rng = np.random.default_rng(0)
    w = (100 * rng.normal(size=(10, 64))).astype("float32")
    x = w + np.float32(1e-3) * rng.normal(size=w.shape).astype("float32")
    wanted = ((x.astype("float64") - w) ** 2).sum(-1)
    found = np.diag(array(distances.pairwise(*tensors(x, w))))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    # What the product form would have given: noise.
    noise = np.diag(array(distances.squared_l2(*tensors(x, w))))
    assert np.abs(noise - wanted).max() > 0.1 * wanted.max()


def test_the_product_is_as_exact_as_documented():
    rng = np.random.default_rng(1)
    w = rng.normal(size=(2000, 512))
    w = (w / np.linalg.norm(w, axis=1, keepdims=True)).astype("float32")
    x = w[:64] + np.float32(1e-4) * rng.normal(size=(64, 512))
    x = x.astype("float32")
    found = array(distances.pairwise(*tensors(x, w))).astype("float64")
    gram = x.astype("float64") @ w.T.astype("float64")
    wanted = (x.astype("float64") ** 2).sum(1)[:, None]
    wanted = wanted + (w.astype("float64") ** 2).sum(1) - 2 * gram
    assert np.abs(found - wanted).max() < 1.5e-6
    assert found.min() >= 0


def test_a_clipped_distance_keeps_its_gradient():
    """Rounding below zero must not switch the pull off."""
    w = np.full((distances.SMALL, 2), 1.0, "float32")
    x = np.array([[1.0, 1.0 + 2**-13]], "float32")
    upstream = np.zeros((1, distances.SMALL), "float32")
    upstream[0, 0] = 1.0
    _, dx, _ = ours(x, w, upstream, "squared-l2")
    np.testing.assert_allclose(dx, [[0.0, 2**-12]], atol=1e-6)


@pytest.mark.parametrize("distance", ["squared-l2", "l1"])
@pytest.mark.parametrize("size", [0.0, 1e-20, 1e15, 3e38])
def test_extreme_vectors_are_finite(size, distance):
    x = np.full((3, 8), size, "float32")
    for w in (x, -x[:1], np.zeros((distances.SMALL, 8), "float32")):
        w = np.clip(w, -1e15, 1e15)
        upstream = np.ones((3, len(w)), "float32")
        for found in ours(x, w, upstream, distance):
            assert np.isfinite(found).all()


def test_rows_meet_rows():
    x = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")
    w = np.array([[1.0, 0.0], [0.0, 0.0]], "float32")
    x, w = tensors(x, w)
    np.testing.assert_allclose(array(distances.rowwise(x, w)), [4.0, 25.0])
    l1 = array(distances.rowwise(x, w, "l1"))
    np.testing.assert_allclose(l1, [2.0, 7.0])


def test_an_unknown_batch_size_compiles():
    inputs = keras.Input((24,))
    w = np.random.default_rng(2).normal(size=(700, 24)).astype("float32")

    class Distances(keras.layers.Layer):
        def call(self, x):
            return distances.pairwise(x, ops.convert_to_tensor(w), "l1")

    model = keras.Model(inputs, Distances()(inputs))
    assert model.output_shape == (None, 700)
    x = np.zeros((3, 24), "float32")
    found = model.predict(x, verbose=0)
    np.testing.assert_allclose(
        found, np.tile(np.abs(w).sum(1), (3, 1)), rtol=1e-5
    )
