import keras
import numpy as np
import pytest

from keras_hypersphere.layers.zero_extended_add import ZeroExtendedAdd


def expected(a, b):
    """The definition, element by element."""
    shape = [max(m, n) for m, n in zip(a.shape, b.shape, strict=True)]
    out = np.zeros(shape, "float32")
    for place in np.ndindex(*shape):
        for x in (a, b):
            if all(i < n for i, n in zip(place, x.shape, strict=True)):
                out[place] += x[place]
    return out


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((2, 3, 3, 4), (2, 4, 4, 2)),
        ((2, 4, 4, 2), (2, 3, 3, 4)),
        ((2, 3, 4, 4), (2, 4, 3, 4)),
        ((2, 3, 3, 4), (2, 3, 3, 4)),
        ((2, 5), (2, 3)),
    ],
)
def test_adds_with_zeros_at_the_end(first, second):
    generator = np.random.default_rng(0)
    a = generator.normal(size=first).astype("float32")
    b = generator.normal(size=second).astype("float32")
    layer = ZeroExtendedAdd()
    y = keras.ops.convert_to_numpy(layer([a, b]))
    np.testing.assert_array_equal(y, expected(a, b))
    assert layer.compute_output_shape([first, second]) == y.shape


def test_sizes_known_only_when_the_graph_runs():
    a, b = keras.Input((None, 4, 2)), keras.Input((3, None, 1))
    model = keras.Model([a, b], ZeroExtendedAdd()([a, b]))
    assert model.output_shape == (None, None, None, 2)
    x, y = np.ones((1, 2, 4, 2), "float32"), np.ones((1, 3, 5, 1), "float32")
    np.testing.assert_array_equal(
        model.predict([x, y], verbose=0), expected(x, y)
    )


def test_round_trip_through_a_keras_file(tmp_path):
    a, b = keras.Input((3, 3, 4)), keras.Input((4, 2, 2))
    model = keras.Model([a, b], ZeroExtendedAdd(name="add")([a, b]))
    model.save(tmp_path / "m.keras")
    x, y = np.ones((1, 3, 3, 4)), np.ones((1, 4, 2, 2))
    np.testing.assert_array_equal(
        keras.models.load_model(tmp_path / "m.keras").predict(
            [x, y], verbose=0
        ),
        model.predict([x, y], verbose=0),
    )
    config = model.get_layer("add").get_config()
    assert ZeroExtendedAdd.from_config(config).get_config() == config


def test_half_policy_gives_half():
    y = ZeroExtendedAdd(dtype="mixed_float16")(
        [np.ones((1, 2, 2, 1)), np.ones((1, 3, 1, 2))]
    )
    assert keras.backend.standardize_dtype(y.dtype) == "float16"


def test_gradient_reaches_both():
    a, b = keras.Input((2,)), keras.Input((3,))
    x = ZeroExtendedAdd()([keras.layers.Dense(2)(a), keras.layers.Dense(3)(b)])
    model = keras.Model([a, b], x)
    model.compile(keras.optimizers.SGD(0.1), "mse")
    before = model.get_weights()
    model.fit([np.ones((4, 2)), np.ones((4, 3))], np.ones((4, 3)), verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        assert np.abs(old - new).max() > 0


@pytest.mark.parametrize(
    "shapes",
    [
        (None, 4),
        [(None, 4)],
        [(None, 4), (None, 4), (None, 4)],
        [(None, 4), (None, 4, 4)],
        [(None,), (None,)],
    ],
)
def test_refuses_anything_but_two_of_one_rank(shapes):
    with pytest.raises(ValueError, match="list of two tensors"):
        ZeroExtendedAdd().build(shapes)
