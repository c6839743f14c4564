import keras
import numpy as np
import pytest

from keras_hypersphere.constraints.clip_range import ClipRange
from keras_hypersphere.constraints.unit_vectors import UnitVectors


def test_unit_vectors():
    w = np.float32([[3.0, 1e-20, 1e20, 0.0], [4.0, 0.0, 0.0, 0.0]])
    unit = np.asarray(UnitVectors(epsilon=0.0)(keras.ops.array(w)))
    np.testing.assert_allclose(unit, [[0.6, 1, 1, 0], [0.8, 0, 0, 0]])
    rows = np.asarray(UnitVectors(axis=-1)(keras.ops.array([[3.0, 4.0]])))
    np.testing.assert_allclose(rows, [[0.6, 0.8]], rtol=1e-6)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((0.01, None), [0.01, 0.5, 9.0]),
        ((None, 1.0), [-3.0, 0.5, 1.0]),
        ((0.0, 1.0), [0.0, 0.5, 1.0]),
        ((None, None), [-3.0, 0.5, 9.0]),
    ],
)
def test_clip_range(limits, expected):
    w = keras.ops.array([-3.0, 0.5, 9.0])
    np.testing.assert_allclose(ClipRange(*limits)(w), expected)


def test_clip_range_error():
    with pytest.raises(ValueError, match="minimum=2, maximum=1"):
        ClipRange(2, 1)


@pytest.mark.parametrize("constraint", [UnitVectors(1, 1e-6), ClipRange(0, 3)])
def test_config(constraint):
    data = keras.saving.serialize_keras_object(constraint)
    again = keras.saving.deserialize_keras_object(data)
    assert type(again) is type(constraint)
    assert again.get_config() == constraint.get_config()
