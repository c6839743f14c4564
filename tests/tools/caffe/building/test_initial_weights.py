import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe.building.initial_weights import (
    initial_weights,
)


def arrays(*shapes):
    draw = np.random.default_rng(0)
    return [draw.standard_normal(shape).astype("float32") for shape in shapes]


class Backwards(keras.layers.Layer):
    """Lists its weights in another order than it makes them."""

    def build(self, shape):
        self.steps = self.add_weight(shape=(3,), trainable=False)
        self.kernel = self.add_weight((3,), "ones")

    def call(self, inputs):
        return inputs * self.kernel


CASES = {
    "dense": (keras.layers.Dense(4), [(3, 4), (4,)]),
    "normalization": (keras.layers.BatchNormalization(), [(3,)] * 4),
    "backwards": (Backwards(), [(3,), (3,)]),
    "nested": (keras.layers.TimeDistributed(keras.layers.Dense(2)), None),
}


@pytest.mark.parametrize("name", CASES)
def test_every_weight_is_where_it_was_asked_for(name):
    layer, shapes = CASES[name]
    values = arrays(*(shapes or [(3, 2), (2,)]))
    inputs = keras.Input((3,) if shapes else (5, 3))
    with initial_weights(layer, values):
        layer(inputs)
    for value, weight in zip(values, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(value, weight)
    assert "add_weight" not in vars(layer)


def test_nothing_is_drawn_and_the_config_stays():
    layer = keras.layers.Dense(4, kernel_initializer="he_normal")
    keras.utils.set_random_seed(1)
    before = np.random.get_state()[1].copy()
    with initial_weights(layer, arrays((3, 4), (4,))):
        layer(keras.Input((3,)))
    np.testing.assert_array_equal(before, np.random.get_state()[1])
    config = layer.get_config()["kernel_initializer"]
    assert config["class_name"] == "HeNormal"


def test_the_array_is_not_the_weight():
    layer, values = keras.layers.Dense(4), arrays((3, 4), (4,))
    with initial_weights(layer, values):
        layer(keras.Input((3,)))
    kept = values[0].copy()
    layer.kernel.assign(keras.ops.zeros((3, 4)))
    np.testing.assert_array_equal(values[0], kept)


@pytest.mark.parametrize("shapes", [[(4, 3), (4,)], [(3, 4)], [(3, 4)] * 3])
def test_weights_that_do_not_fit(shapes):
    layer = keras.layers.Dense(4)
    with (
        pytest.raises(ValueError),
        initial_weights(layer, arrays(*shapes)),
    ):
        layer(keras.Input((3,)))
