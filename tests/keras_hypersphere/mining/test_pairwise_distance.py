import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.mining import pairwise_distance
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.losses import triplet_oracle as oracle

RNG = np.random.default_rng(0)
A = RNG.normal(size=(6, 4)).astype("float32")
B = RNG.normal(size=(9, 4)).astype("float32")
DISTANCES = ("squared-l2", "l2", "cosine")


def slopes(a, b, weights, distance):
    """Derivatives of the weighted sum of distances."""
    by_a, by_b = np.zeros(a.shape), np.zeros(b.shape)
    for i, j in np.ndindex(weights.shape):
        of_a, of_b = oracle.pair_slopes(
            a[i].astype("float64"), b[j].astype("float64"), distance
        )
        by_a[i] += weights[i, j] * of_a
        by_b[j] += weights[i, j] * of_b
    return by_a, by_b


@pytest.mark.parametrize("distance", DISTANCES)
def test_follows_the_loop(distance):
    weights = RNG.normal(size=(6, 9)).astype("float32")

    def function(a, b):
        found = pairwise_distance(a, b, distance)
        return ops.sum(ops.multiply(found, weights)), found

    result = gradients(function, [A, B])
    wanted = [
        [oracle.distance(*rows, distance) for rows in ((a, b) for b in B)]
        for a in A.astype("float64")
    ]
    np.testing.assert_allclose(result.outputs, wanted, rtol=1e-5, atol=1e-6)
    for found, slope in zip(
        result.inputs, slopes(A, B, weights, distance), strict=True
    ):
        np.testing.assert_allclose(found, slope, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("distance", DISTANCES)
def test_of_one_matrix(distance):
    """The diagonal is zero, also in the gradient."""
    x = np.concatenate([A, A[:2], np.zeros((1, 4), "float32")])
    weights = RNG.normal(size=(9, 9)).astype("float32")

    def function(x):
        found = pairwise_distance(x, distance=distance)
        return ops.sum(ops.multiply(found, weights)), found

    result = gradients(function, [x])
    assert not np.diag(result.outputs).any()
    wanted = oracle.matrix(x.astype("float64"), distance)
    # The root of a rounding error is larger than it.
    loose = 2e-3 if distance == "l2" else 1e-6
    np.testing.assert_allclose(result.outputs, wanted, rtol=1e-5, atol=loose)
    assert (result.outputs >= 0).all()
    if distance == "squared-l2":
        by_a, by_b = slopes(x, x, weights, distance)
        np.testing.assert_allclose(
            result.inputs[0], by_a + by_b, rtol=1e-4, atol=1e-4
        )
    assert np.isfinite(result.inputs[0]).all()


def test_cosines_have_a_gradient_where_rounding_ends_below_zero():
    """Directions 2e-4 apart: 1 - cosine is less than float32 can tell."""
    a = RNG.normal(size=(40, 4))
    b = a + 2e-4 * RNG.normal(size=a.shape)
    a, b = a.astype("float32"), b.astype("float32")
    own = np.eye(40, dtype="float32")

    def function(a):
        found = pairwise_distance(a, b, "cosine")
        return ops.sum(ops.multiply(found, own)), found

    result = gradients(function, [a])
    assert (np.diag(result.outputs) == 0).any()
    wanted, _ = slopes(a, b, own, "cosine")
    np.testing.assert_allclose(result.inputs[0], wanted, rtol=0, atol=2e-6)


def test_small_whole_numbers_are_exact():
    x = RNG.integers(-3, 4, size=(20, 5))
    found = ops.convert_to_numpy(pairwise_distance(x.astype("float32")))
    np.testing.assert_array_equal(found, oracle.matrix(x, "squared-l2"))


def test_far_from_the_origin():
    """Moving all vectors must not cost digits: neither value nor slope."""
    weights = RNG.normal(size=(6, 6)).astype("float32")
    here = np.round(A * 256) / 256

    def function(x):
        found = pairwise_distance(x)
        return ops.sum(ops.multiply(found, weights)), found

    near = gradients(function, [here])
    far = gradients(function, [here + np.float32(1000)])
    np.testing.assert_allclose(far.outputs, near.outputs, rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(
        far.inputs[0], near.inputs[0], rtol=1e-4, atol=1e-3
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int32"])
def test_dtypes(dtype):
    x = ops.cast(ops.convert_to_tensor(A * 3), dtype)
    found = pairwise_distance(x)
    wide = "float64" if dtype == "float64" else "float32"
    if keras.backend.standardize_dtype(x.dtype) == dtype:
        assert keras.backend.standardize_dtype(found.dtype) == wide
    exact = ops.convert_to_numpy(ops.cast(x, "float32")).astype("float64")
    np.testing.assert_allclose(
        ops.convert_to_numpy(found),
        oracle.matrix(exact, "squared-l2"),
        rtol=1e-5,
        atol=1e-4,
    )


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("size", [0.0, 1e-20, 1e15, 3e38])
def test_every_size_is_finite(distance, size):
    def function(x):
        found = pairwise_distance(x, distance=distance)
        return ops.sum(found) / 1e4, found

    x = (size * np.sign(A)).astype("float32")
    result = gradients(function, [x])
    assert np.isfinite(result.outputs).all()
    assert np.isfinite(result.inputs[0]).all()


def test_arguments_are_checked():
    with pytest.raises(ValueError, match=r"`distance`.*Received"):
        pairwise_distance(A, distance="l1")
    for given in ((A[0],), (A, B[0])):
        with pytest.raises(ValueError, match=r"one a row. Received: .*\(4,\)"):
            pairwise_distance(*given)
