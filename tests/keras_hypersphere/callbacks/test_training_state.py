import random

import keras
import numpy as np
import pytest

from keras_hypersphere.callbacks.training_state import (
    TrainingState,
    random_states,
    set_random_states,
)

VARIABLES = [
    keras.Variable(np.arange(6.0).reshape(2, 3), name="kernel"),
    keras.Variable(7, trainable=False, dtype="int32", name="steps"),
]


def written(path):
    state = TrainingState()
    state.keep("model", VARIABLES)
    state.keep_values("random", random_states())
    state.keep_values(
        "callback",
        {
            "best": np.float32(0.5),
            "wait": 3,
            "name": None,
            "history": {"loss": [1.0, 0.5]},
            "weights": [np.ones(2), np.zeros((1, 2), "f4")],
            "monitor": np.less,
            "model": [object()],
        },
    )
    state.write(path)
    return path


def test_values_come_back(tmp_path):
    state = TrainingState.read(written(tmp_path / "state.npz"))
    draws = random.random(), np.random.random()
    set_random_states(state.values("random"))
    assert (random.random(), np.random.random()) == draws
    others = [
        keras.Variable(np.zeros((2, 3)), name="other"),
        keras.Variable(0, trainable=False, dtype="int32", name="other"),
    ]
    state.put("model", others)
    np.testing.assert_array_equal(others[0], np.arange(6).reshape(2, 3))
    assert int(others[1]) == 7
    found = state.values("callback")
    ones, zeros = found.pop("weights")
    assert found == {
        "best": 0.5,
        "wait": 3,
        "name": None,
        "history": {"loss": [1.0, 0.5]},
    }
    np.testing.assert_array_equal(ones, np.ones(2))
    np.testing.assert_array_equal(zeros, np.zeros((1, 2)))
    assert zeros.dtype == np.float32


@pytest.mark.parametrize("shapes", [[(2, 3)], [(3, 2), ()], [(2, 3), (), ()]])
def test_other_variables(shapes, tmp_path):
    state = TrainingState.read(written(tmp_path / "state.npz"))
    variables = [keras.Variable(np.zeros(shape)) for shape in shapes]
    with pytest.raises(ValueError, match=f"expected {len(shapes)} variables"):
        state.put("model", variables)


@pytest.mark.parametrize("damage", ["cut", "overwritten", "another file"])
def test_damage(damage, tmp_path):
    path = written(tmp_path / "state.npz")
    content = bytearray(path.read_bytes())
    if damage == "cut":
        content = content[: len(content) // 2]
    elif damage == "overwritten":
        content[len(content) // 3 : len(content) // 3 + 200] = bytes(200)
    else:
        content = b"hello"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="no state of a training") as error:
        TrainingState.read(path)
    assert str(path) in str(error.value) and "Remove it" in str(error.value)
