"""The cases of TensorFlow Addons' own tests, and the layer with weights."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_hypersphere as kh
from keras_hypersphere.addons.layers import Maxout


def by_hand(x, units, axis):
    """The largest of every `units`-th entry."""
    x = np.moveaxis(x, axis, -1)
    parts = [x[..., unit::units].max(axis=-1) for unit in range(units)]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axis)


@pytest.mark.parametrize(
    ("shape", "units", "axis"),
    [
        ((5, 4, 2, 18), 3, -1),
        ((2, 20, 3, 6), 4, 1),
        ((2, 20, 3, 6), 4, -3),
        ((3, 7), 7, -1),
        ((3, 7), 1, -1),
    ],
)
def test_values_and_shapes(shape, units, axis):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer = Maxout(units, axis=axis)
    wanted = by_hand(x, units, axis)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), wanted)
    assert layer.compute_output_shape(shape) == wanted.shape


@pytest.mark.parametrize("shape", [(4, 2, None), (None, None, None)])
def test_unknown_sizes(shape):
    x = np.random.default_rng(0).normal(size=(5, 4, 2, 18)).astype("float32")
    inputs = keras.Input(shape)
    model = keras.Model(inputs, Maxout(3)(inputs))
    assert model.output_shape == (None, *shape[:-1], 3)
    found = model.predict(x, verbose=0)
    np.testing.assert_array_equal(found, by_hand(x, 3, -1))


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="number of features"):
        Maxout(3)(np.zeros((5, 4, 2, 7)))
    with pytest.raises(ValueError, match="axis=4"):
        Maxout(3, axis=4)(np.zeros((5, 6)))
    with pytest.raises(ValueError, match="num_units=0"):
        Maxout(0)


def test_behind_a_dense_layer_it_is_the_layer_with_weights():
    x = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    dense = keras.layers.Dense(12)
    whole = kh.layers.Maxout(4, pieces=3)
    found = Maxout(4)(dense(x))
    whole(x)
    whole.set_weights(dense.get_weights())
    np.testing.assert_allclose(
        ops.convert_to_numpy(found), ops.convert_to_numpy(whole(x)), rtol=1e-6
    )


def test_a_layer_of_tensorflow_addons_is_read():
    """As Keras 2.15 wrote it into a file."""
    layer = keras.saving.deserialize_keras_object(
        {
            "module": "tensorflow_addons.layers.maxout",
            "class_name": "Maxout",
            "config": {
                "name": "maxout_1",
                "trainable": True,
                "dtype": "float32",
                "num_units": 3,
                "axis": -1,
            },
            "registered_name": "Addons>Maxout",
            "build_config": {"input_shape": [None, 6]},
        }
    )
    assert isinstance(layer, Maxout) and layer.num_units == 3
