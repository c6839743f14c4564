import keras
import numpy as np
import pytest

from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.testing.gradients import array, gradients


def gradient_of(layer, x, upstream):
    def function(x):
        outputs = keras.tree.flatten(layer(x))
        parts = map(keras.ops.multiply, outputs, upstream)
        return sum(map(keras.ops.sum, parts)), outputs

    return gradients(function, [x]).inputs[0]


def test_by_hand():
    x, g = np.float32([[3.0, 4.0]]), np.float32([[1.0, 0.0]])
    np.testing.assert_allclose(NormalizeLayer()(x), [[0.6, 0.8]], rtol=1e-6)
    exact = gradient_of(NormalizeLayer(), x, [g])
    np.testing.assert_allclose(exact, [[0.128, -0.096]], rtol=1e-5)
    fixed = gradient_of(NormalizeLayer(gradient="fixed"), x, [g])
    np.testing.assert_allclose(fixed, [[0.64, -0.48]], rtol=1e-5)
    x = np.float32([[3.0, -4.0]])
    layer = NormalizeLayer(norm="l1")
    np.testing.assert_allclose(layer(x), [[3 / 7, -4 / 7]], rtol=1e-6)
    np.testing.assert_allclose(
        gradient_of(layer, x, [g]), [[0.0816327, 0.0612245]], rtol=1e-5
    )


def test_norms_and_their_gradient():
    x = np.float32([[3.0, 4.0], [0.0, 2.0]])
    upstream = (np.zeros((2, 2), "float32"), np.float32([[2.0], [5.0]]))
    layer = NormalizeLayer(return_norm=True)
    unit, norm = layer(x)
    assert unit.shape == (2, 2) and norm.shape == (2, 1)
    np.testing.assert_allclose(norm, [[5.0], [2.0]], rtol=1e-6)
    np.testing.assert_allclose(
        gradient_of(layer, x, upstream), [[1.2, 1.6], [0.0, 5.0]], rtol=1e-5
    )
    deaf = NormalizeLayer(return_norm=True, norm_gradient=False)
    assert not gradient_of(deaf, x, upstream).any()
    # The norms' gradient is the true one, whatever that of the directions.
    fixed = NormalizeLayer(return_norm=True, gradient="fixed")
    np.testing.assert_allclose(
        gradient_of(fixed, x, upstream), [[1.2, 1.6], [0.0, 5.0]], rtol=1e-5
    )


@pytest.mark.parametrize("axis", [1, -1, 3, -3])
def test_axis(axis):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype("float32")
    expected = x / np.linalg.norm(x, axis=axis, keepdims=True)
    layer = NormalizeLayer(axis=axis, return_norm=True)
    unit, norm = layer(x)
    np.testing.assert_allclose(unit, expected, rtol=1e-5)
    shapes = layer.compute_output_shape(x.shape)
    assert shapes == (tuple(unit.shape), tuple(norm.shape))
    symbolic = layer(keras.Input(x.shape[1:]))
    assert [s.shape for s in symbolic] == [(None, *s[1:]) for s in shapes]


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_policies(policy):
    layer = NormalizeLayer(dtype=policy, return_norm=True)
    half = policy.removeprefix("mixed_")
    # Sums of squares beyond float16, norms as well.
    x = keras.ops.full((1, 512), 6e4, dtype=half)
    unit, norm = layer(x)
    assert keras.backend.standardize_dtype(unit.dtype) == half
    assert keras.backend.standardize_dtype(norm.dtype) == "float32"
    np.testing.assert_allclose(
        array(unit).astype("float32"), 512**-0.5, rtol=1e-2
    )
    assert abs(float(norm[0, 0]) / (6e4 * 512**0.5) - 1) < 5e-3
    symbolic = layer(keras.Input((512,), dtype=half))
    assert [s.dtype for s in symbolic] == [half, "float32"]
    # 1 / sqrt(epsilon) is beyond float16.
    gradient = gradient_of(
        NormalizeLayer(dtype=policy),
        keras.ops.zeros((1, 4), half),
        [keras.ops.ones((1, 4), half)],
    )
    assert np.isfinite(gradient.astype("float32")).all()


def test_saved_model_reloads(tmp_path):
    image = keras.Input((4, 3))
    outputs = NormalizeLayer(
        axis=1, norm="l1", epsilon=1e-6, gradient="fixed", return_norm=True
    )(image)
    model = keras.Model(image, outputs)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.layers[-1].get_config() == model.layers[-1].get_config()
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    for a, b in zip(model(x), again(x), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"norm": "l3"}, '`norm` must be one of "l2", "l1".*'),
        ({"gradient": "caffe"}, "`gradient` must be one of"),
        ({"epsilon": -1.0}, "`epsilon` must be a finite number"),
        ({"axis": (1, 2)}, "`axis` must be one integer"),
        ({"return_norm": 1}, "`return_norm` must be True or False"),
        ({"norm_gradient": None}, "`norm_gradient`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        NormalizeLayer(**arguments)


def test_axis_must_exist():
    with pytest.raises(ValueError, match="axis=2"):
        NormalizeLayer(axis=2)(np.zeros((2, 3)))
