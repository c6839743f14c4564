import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.max_feature_map import MaxFeatureMap
from keras_hypersphere.layers.maxout import Maxout


@pytest.mark.parametrize("pieces", [1, 2, 3])
@pytest.mark.parametrize("use_bias", [True, False])
def test_largest_linear_piece(pieces, use_bias):
    rng = np.random.default_rng(0)
    layer = Maxout(4, pieces, use_bias, bias_initializer="random_normal")
    x = rng.normal(size=(5, 7)).astype("float32")
    found = ops.convert_to_numpy(layer(x))
    kernel, *bias = (w.astype("float64") for w in layer.get_weights())
    for n in range(5):
        for j in range(4):
            values = []
            for p in range(pieces):
                column = p * 4 + j
                value = x[n].astype("float64") @ kernel[:, column]
                values.append(value + (bias[0][column] if bias else 0.0))
            np.testing.assert_allclose(found[n, j], max(values), atol=1e-6)


def test_two_pieces_are_dense_and_max_feature_map():
    x = np.random.default_rng(0).normal(size=(5, 3, 7)).astype("float32")
    dense = keras.layers.Dense(8)
    expected = MaxFeatureMap()(dense(x))
    layer = Maxout(4)
    layer.build(x.shape)
    layer.set_weights(dense.get_weights())
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(x)),
        ops.convert_to_numpy(expected),
        atol=1e-6,
    )


def test_size_of_facenet_fc1():
    layer = Maxout(4096, use_bias=False)
    shape = layer.compute_output_shape((None, 7 * 7 * 256))
    assert shape == (None, 4096)
    # 103M in table 1 of FaceNet.
    assert 7 * 7 * 256 * layer.pieces * layer.units == 102_760_448


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "`units`.*units=0"),
        ({"units": 2.0}, "`units`"),
        ({"units": 2, "pieces": 0}, "`pieces`.*pieces=0"),
        ({"units": 2, "use_bias": "no"}, "`use_bias`"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        Maxout(**arguments)


def test_refuses_unknown_features():
    with pytest.raises(ValueError, match="known last dimension"):
        Maxout(2)(keras.Input((None,)))
