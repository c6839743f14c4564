import keras
import numpy as np
import pytest

from keras_hypersphere.ops import labels
from tests.keras_hypersphere.backends import compiled


@pytest.mark.parametrize(
    "given",
    [
        np.array([0, 2, 1]),
        np.array([[0], [2], [1]]),
        np.array([0, 2, 1], "uint8"),
        np.array([0.0, 2.0, 1.0], "float32"),
        np.array([[0.0], [2.0], [1.0]], "float64"),
        [0, 2, 1],
    ],
)
def test_accepts_whole_numbers(given):
    indices = labels.class_indices(given, units=3, batch=3)
    assert keras.backend.standardize_dtype(indices.dtype) == "int32"
    assert np.asarray(indices).tolist() == [0, 2, 1]


def test_large_class_indices_survive():
    given = np.array([2049, 65537, 99999])
    indices = labels.class_indices(given, units=100_000, batch=3)
    assert np.asarray(indices).tolist() == given.tolist()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.eye(3), r"labels.shape=\(3, 3\); pass class indices.*argmax"),
        (np.zeros((3, 1, 1)), "one class index per sample"),
        (np.zeros(4, int), "each of the 3 samples"),
        (np.array([0.5, 1, 2]), "whole numbers. Received: labels=0.5"),
        (np.array([0, np.nan, 2]), "whole numbers. Received: labels=nan"),
        (np.array([0, 1, 3]), r"lie in \[0, 3\).*labels=3"),
        (np.array([0, -1, 2]), r"lie in \[0, 3\).*labels=-1"),
        # On JAX, a tensor of it would hold 1.
        (np.array([0, 2**32 + 1, 2]), r"lie in \[0, 3\).*labels=4294967297"),
        (np.array(["a", "b", "c"]), r"class indices.*np\.unique"),
    ],
)
def test_errors_say_what_to_pass(given, message):
    with pytest.raises(ValueError, match=message):
        labels.class_indices(given, units=3, batch=3)


def test_one_hot_is_refused_symbolically_and_inside_functions():
    one_hot = keras.Input((10,))
    with pytest.raises(ValueError, match="argmax"):
        labels.class_indices(one_hot, units=10, batch=None)

    @compiled
    def indices(y):
        return labels.class_indices(y, units=10, batch=None)

    with pytest.raises(ValueError, match="argmax"):
        indices(keras.ops.zeros((4, 10)))
    found = indices(keras.ops.array([3, 4]))
    assert keras.ops.convert_to_numpy(found).tolist() == [3, 4]


@pytest.mark.only_on("tensorflow", "jax", reason="nothing else is compiled")
@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        ([0, 3, -1, 2], "int32"),
        ([0, 200, 3, 2], "uint8"),
        ([0, 2**31, 2**32 - 1, 2], "uint32"),
        ([0.0, 0.5, np.nan, 2.0], "float32"),
        ([0.0, 2.0**32, -np.inf, 2.0], "float32"),
        ([0.0, 0.5, np.inf, 2.0], "float16"),
        ([0, 2**32 + 1, -(2**32), 2], "int64"),
    ],
)
@pytest.mark.parametrize("ignored", [None, 3])
def test_what_is_no_class_is_marked_where_nothing_can_be_raised(
    given, dtype, ignored
):
    """No cast may make a class of it."""
    if dtype == "int64" and keras.backend.backend() == "jax":
        pytest.skip("JAX has no int64")

    @compiled
    def indices(y):
        return labels.class_indices(y, 3, None, ignored)

    found = indices(keras.ops.convert_to_tensor(np.array(given, dtype)))
    wanted = [0, *(-1 if x == ignored else -2 for x in given[1:3]), 2]
    assert keras.ops.convert_to_numpy(found).tolist() == wanted
