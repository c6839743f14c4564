import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.scalar_scale import ScalarScale


def fitted(layer, target):
    """Trains s * 1 towards a target."""
    model = keras.Sequential([keras.Input((1,)), layer])
    model.compile(keras.optimizers.SGD(0.25), "mse")
    ones = np.ones((4, 1), "float32")
    model.fit(ones, target * ones, epochs=12, verbose=0)
    return float(ops.convert_to_numpy(layer.scale))


def test_learns_one_factor():
    assert abs(fitted(ScalarScale(1.0), 3.0) - 3.0) < 1e-3


@pytest.mark.parametrize(
    ("limits", "target", "expected"),
    [
        ((0.5, 2.0), 3.0, 2.0),
        ((0.5, 2.0), -3.0, 0.5),
        ((0.5, None), -3.0, 0.5),
        ((None, 2.0), 3.0, 2.0),
    ],
)
def test_stays_in_its_range(limits, target, expected):
    assert fitted(ScalarScale(1.0, range=limits), target) == expected


def test_comes_back_from_its_limit():
    """The clip must not hide the gradient."""
    layer = ScalarScale(2.0, range=(0.5, 2.0))
    assert abs(fitted(layer, 1.0) - 1.0) < 1e-3


def test_stored_value_outside_counts_as_the_limit():
    layer = ScalarScale(1.0, range=(0.5, 2.0))
    layer.build((None, 2))
    layer.scale.assign(7.0)
    found = layer(np.array([[1.0, -3.0]], "float32"))
    np.testing.assert_array_equal(ops.convert_to_numpy(found), [[2.0, -6.0]])


def test_scaled_cosines_stay_in_float32():
    layer = ScalarScale(30.0, dtype="mixed_float16")
    cosines = ops.convert_to_tensor([[0.5004]], dtype="float32")
    found = ops.convert_to_numpy(layer(cosines))
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, [[15.012]], rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initial": "1"}, "`initial`"),
        ({"initial": float("nan")}, "`initial`"),
        ({"range": 3.0}, "`range` must be a pair"),
        ({"range": (2.0, 1.0)}, "`range` must have its minimum first"),
        ({"initial": 0.0, "range": (0.01, None)}, "`initial` must lie within"),
        ({"initial": 5.0, "range": (None, 4)}, r"initial=5\.0; widen"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        ScalarScale(**arguments)
