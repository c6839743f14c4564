import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.ops.class_ids import class_ids, class_ranks
from tests.keras_hypersphere.backends import compiled

# Not the PyTorch backend: there all values are seen.
COMPILED = pytest.mark.only_on(
    "tensorflow", "jax", reason="it compiles nothing"
)
LAST = 2**31 - 1


@pytest.mark.parametrize("dtype", ["int64", "uint32", "float64"])
@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_ids_are_exact_where_they_are_seen(dtype, shape):
    given = np.array([LAST, 0, LAST - 1], dtype).reshape(shape)
    found, wrong = class_ids(given, 2**31, 3)
    assert wrong is None
    assert keras.backend.standardize_dtype(found.dtype) == "int32"
    np.testing.assert_array_equal(ops.convert_to_numpy(found), given.ravel())


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([0, 2**31], r"lie in \[0, 2147483648\).*2147483648.*unique"),
        ([0, -1], r"lie in .*labels=-1;"),
        ([0.5, 1.0], "whole numbers.*0.5.*argmax"),
        ([0.0, np.nan], "finite.*nan"),
        (["ann", "bob"], "numbers.*unique"),
        (np.array([1, 2048], "float16"), "below 2048 in float16.*integers"),
    ],
)
def test_other_ids_are_refused(given, problem):
    with pytest.raises(ValueError, match=f"`labels` must .*{problem}"):
        class_ids(given, 2**31, 2)


@COMPILED
@pytest.mark.parametrize(
    ("given", "limit", "is_wrong"),
    [
        (np.array([0, LAST], "int32"), 2**31, False),
        (np.array([0, -1], "int32"), 2**31, True),
        (np.array([0, 9], "int32"), 9, True),
        (np.array([0, 9], "uint8"), 10, False),
        (np.array([0, 9], "uint8"), 9, True),
        (np.array([0, 2**24 - 1], "float32"), 2**31, False),
        (np.array([0, 2**24], "float32"), 2**31, True),
        (np.array([0, np.nan], "float32"), 2**31, True),
        (np.array([0, 0.25], "float32"), 2**31, True),
    ],
)
def test_where_they_are_not_seen_it_says_so(given, limit, is_wrong):
    run = compiled(lambda labels: class_ids(labels, limit, 2))
    found, wrong = run(ops.convert_to_tensor(given))
    assert bool(wrong) is is_wrong
    if not is_wrong:
        np.testing.assert_array_equal(ops.convert_to_numpy(found), given)


@pytest.mark.parametrize(
    "given", [[2**40, -7, 2**40 + 1, -7], [0.25, -1.5, 3.0, -1.5]]
)
def test_ranks_are_equal_where_labels_are(given):
    ranks, wrong = class_ranks(given, 4)
    assert wrong is None
    a, b, c, d = ops.convert_to_numpy(ranks)
    assert b == d and len({a, b, c}) == 3


@COMPILED
@pytest.mark.parametrize("dtype", ["int8", "uint32", "float16", "float32"])
def test_compiled_ranks_are_too(dtype):
    run = compiled(lambda labels: class_ranks(labels, 4))
    given = np.array([100, 7, 101, 7], dtype)
    ranks, wrong = run(ops.convert_to_tensor(given))
    a, b, c, d = ops.convert_to_numpy(ranks)
    assert b == d and len({a, b, c}) == 3
    assert not bool(wrong)
