import keras
import numpy as np
import pytest

from keras_hypersphere.constraints.clip_range import ClipRange
from keras_hypersphere.layers.channel_affine import ChannelAffine

GAMMA = np.array([2.0, -1.0, 0.5], "float32")
BETA = np.array([0.0, 10.0, -1.0], "float32")


def built(shape=(None, 4, 5, 3), **kwargs):
    layer = ChannelAffine(**kwargs)
    layer.build(shape)
    layer.set_weights([GAMMA, BETA])
    return layer


def test_scales_and_shifts_every_channel():
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype("float32")
    y = keras.ops.convert_to_numpy(built()(x))
    for c in range(3):
        np.testing.assert_allclose(
            y[..., c], x[..., c] * GAMMA[c] + BETA[c], rtol=1e-6
        )


def test_starts_as_the_identity():
    x = np.ones((1, 2), "float32")
    y = keras.ops.convert_to_numpy(ChannelAffine()(x))
    np.testing.assert_array_equal(y, x)


def test_works_on_vectors():
    y = keras.ops.convert_to_numpy(built((None, 3))(np.ones((1, 3))))
    np.testing.assert_allclose(y[0], GAMMA + BETA)


def test_config_has_every_argument():
    layer = ChannelAffine(
        gamma_initializer=keras.initializers.Constant(3.0),
        beta_initializer="ones",
        gamma_regularizer=keras.regularizers.L2(0.1),
        beta_regularizer=keras.regularizers.L1(0.2),
        gamma_constraint=ClipRange(0.0, 4.0),
        beta_constraint=keras.constraints.NonNeg(),
        name="affine",
    )
    copy = ChannelAffine.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    copy.build((None, 2))
    np.testing.assert_array_equal(copy.gamma, [3.0, 3.0])
    np.testing.assert_array_equal(copy.beta, [1.0, 1.0])
    assert copy.gamma.constraint.maximum == 4.0
    assert isinstance(copy.beta.constraint, keras.constraints.NonNeg)
    # 0.1 * (9 + 9) + 0.2 * (1 + 1)
    assert float(sum(copy.losses)) == pytest.approx(2.2)


def test_round_trip_through_a_keras_file(tmp_path):
    inputs = keras.Input((4, 5, 3))
    model = keras.Model(inputs, ChannelAffine(name="affine")(inputs))
    model.get_layer("affine").set_weights([GAMMA, BETA])
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(1).normal(size=(2, 4, 5, 3))
    np.testing.assert_array_equal(
        keras.models.load_model(tmp_path / "m.keras").predict(x, verbose=0),
        model.predict(x, verbose=0),
    )


def test_output_shape_and_dtype():
    layer = built(dtype="mixed_float16")
    assert layer.compute_output_shape((None, 4, 5, 3)) == (None, 4, 5, 3)
    y = layer(np.ones((1, 4, 5, 3)))
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert keras.backend.standardize_dtype(layer.gamma.dtype) == "float32"


def test_trains():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, ChannelAffine()(inputs))
    model.compile(keras.optimizers.SGD(0.6), "mse")
    x = np.random.default_rng(2).normal(size=(64, 3))
    model.fit(x, x * GAMMA + BETA, epochs=25, batch_size=64, verbose=0)
    gamma, beta = model.get_weights()
    np.testing.assert_allclose(gamma, GAMMA, atol=0.05)
    np.testing.assert_allclose(beta, BETA, atol=0.15)


@pytest.mark.parametrize("shape", [(None,), (None, 4, None)])
def test_refuses_an_unknown_number_of_channels(shape):
    with pytest.raises(ValueError, match=r"`inputs` must have a batch.*last"):
        ChannelAffine().build(shape)


def test_refuses_other_channels_once_built():
    with pytest.raises(ValueError, match="axis -1"):
        built()(np.ones((1, 4, 5, 2)))
