import keras
import numpy as np
import pytest

from keras_hypersphere.initializers import unit_sphere
from keras_hypersphere.initializers.resolve import resolve
from keras_hypersphere.initializers.unit_sphere import UnitSphere


@pytest.mark.parametrize("axis", [0, -1])
def test_vectors_have_unit_length(axis):
    w = np.asarray(UnitSphere(axis=axis, seed=0)((64, 100)))
    np.testing.assert_allclose(np.linalg.norm(w, axis=axis), 1, rtol=1e-6)


def test_directions_are_uniform():
    w = np.asarray(UnitSphere(seed=1)((3, 20_000)))
    # Archimedes: each coordinate of the sphere in 3-D is uniform on [-1, 1].
    for coordinate in w:
        counts, _ = np.histogram(coordinate, 10, (-1, 1))
        assert abs(counts / 2000 - 1).max() < 0.1
    assert abs(w.mean(axis=1)).max() < 0.02


def test_seed_and_config():
    first = UnitSphere(seed=5)
    data = keras.saving.serialize_keras_object(first)
    again = keras.saving.deserialize_keras_object(data)
    assert np.array_equal(first((4, 3)), again((4, 3)))
    different = UnitSphere(seed=6)((4, 3))
    assert not np.array_equal(first((4, 3)), different)


def test_half_precision():
    w = UnitSphere(seed=0)((64, 4), dtype="float16")
    assert keras.backend.standardize_dtype(w.dtype) == "float16"
    lengths = np.linalg.norm(np.asarray(w, "float64"), axis=0)
    np.testing.assert_allclose(lengths, 1, atol=2e-3)


def test_resolve():
    assert isinstance(resolve("unit_sphere"), UnitSphere)
    assert resolve("unit_sphere", axis=-1).axis == -1
    config = keras.initializers.serialize(UnitSphere(seed=3))
    assert resolve(config).get_config()["seed"] == 3
    assert isinstance(resolve("zeros"), keras.initializers.Zeros)
    with pytest.raises(ValueError, match=r"`kernel_initializer`.*'unit_spher'"):
        resolve("unit_spher")


def test_axis_must_be_an_integer():
    with pytest.raises(ValueError, match="`axis` must be an integer"):
        UnitSphere(axis="first")


@pytest.mark.parametrize("axis", [0, 1])
def test_large_matrices_are_drawn_in_parts(axis, monkeypatch):
    monkeypatch.setattr(unit_sphere, "LARGEST_DRAW", 40)
    shape = (4, 33) if axis == 0 else (33, 4)
    w = np.asarray(UnitSphere(axis=axis, seed=3)(shape))
    assert w.shape == shape
    np.testing.assert_allclose(np.linalg.norm(w, axis=axis), 1, rtol=1e-6)
    rows = w.T if axis == 0 else w
    assert len(np.unique(rows, axis=0)) == 33
    again = np.asarray(UnitSphere(axis=axis, seed=3)(shape))
    np.testing.assert_array_equal(w, again)
