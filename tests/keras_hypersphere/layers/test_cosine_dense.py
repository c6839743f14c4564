import keras
import numpy as np
import pytest

from keras_hypersphere.constraints.unit_vectors import UnitVectors
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.testing.gradients import array, gradients

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 6)).astype("float32")
W = RNG.normal(size=(6, 5)).astype("float32")


def made(**arguments):
    layer = CosineDense(5, **arguments)
    layer.build((None, 6))
    layer.kernel.assign(W)
    return layer


def gradients_of(layer, x, upstream):
    def function(x):
        y = layer(x)
        return keras.ops.sum(keras.ops.multiply(y, upstream)), y

    result = gradients(function, [x], layer.trainable_variables)
    return [*result.inputs, *result.variables]


@pytest.mark.parametrize("normalize_inputs", [True, False])
@pytest.mark.parametrize("normalize_kernel", [True, False])
def test_equals_loops(normalize_inputs, normalize_kernel):
    layer = made(
        normalize_inputs=normalize_inputs,
        normalize_kernel=normalize_kernel,
        scale=7.0,
        use_bias=True,
    )
    layer.bias.assign(np.arange(5.0))
    y = array(layer(X))
    for i, x in enumerate(X.astype("float64")):
        for j, w in enumerate(W.T.astype("float64")):
            value = x @ w
            if normalize_inputs:
                value /= np.sqrt(x @ x)
            if normalize_kernel:
                value /= np.sqrt(w @ w)
            assert abs(y[i, j] - (7 * value + j)) < 1e-4


def test_exact_gradients_are_derivatives():
    g = RNG.normal(size=(4, 5)).astype("float32")

    def value(x, w):
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
        w = w / np.linalg.norm(w, axis=0, keepdims=True)
        return (3.0 * (x @ w) * g).sum()

    dx, dw = gradients_of(made(scale=3.0), X, g)
    for start, ours, which in ((X, dx, 0), (W, dw, 1)):
        numeric = np.zeros(start.shape)
        for place in np.ndindex(start.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [X.astype("float64"), W.astype("float64")]
                moved[which][place] += step
                ends.append(value(*moved))
            numeric[place] = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(ours, numeric, atol=1e-4)


def test_caffe_gradient_passes_the_kernel_straight():
    g = RNG.normal(size=(4, 5)).astype("float32")
    layer = made(normalize_inputs=False, gradient="caffe")
    dx, dw = gradients_of(layer, X, g)
    unit = W / np.linalg.norm(W, axis=0)
    np.testing.assert_allclose(dw, X.T @ g, atol=1e-5)
    np.testing.assert_allclose(dx, g @ unit.T, atol=1e-5)
    np.testing.assert_allclose(array(layer(X)), X @ unit, atol=1e-5)


def test_caffe_storage_is_renormalized_by_training():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((6,)), CosineDense(5, scale=10.0, gradient="caffe")]
    )
    model.compile(
        "sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    before = model.layers[-1].get_weights()[0]
    model.fit(X, np.array([0, 1, 2, 3]), epochs=3, verbose=0)
    after = model.layers[-1].get_weights()[0]
    assert abs(after - before).max() > 1e-3
    np.testing.assert_allclose(np.linalg.norm(after, axis=0), 1, rtol=1e-6)
    free = made(gradient="caffe", kernel_constraint="non_neg")
    assert isinstance(free.kernel.constraint, keras.constraints.NonNeg)
    assert made().kernel.constraint is None
    assert made(gradient="caffe", normalize_kernel=False).kernel.constraint is (
        None
    )
    assert isinstance(made(gradient="caffe").kernel.constraint, UnitVectors)


def test_learned_scale_stays_in_its_range():
    layer = made(scale=0.02, learn_scale=True)
    assert [w.name for w in layer.trainable_variables] == ["kernel", "scale"]
    np.testing.assert_allclose(
        array(layer(X)), array(made(scale=0.02)(X)), rtol=1e-6
    )
    dscale = gradients_of(layer, X, np.ones((4, 5), "float32"))[2]
    np.testing.assert_allclose(dscale, array(made()(X)).sum(), rtol=1e-4)
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.apply([keras.ops.array(5.0)], [layer.learned_scale])
    assert float(layer.learned_scale) == pytest.approx(0.01)
    free = made(scale=0.02, learn_scale=True, scale_range=(None, None))
    optimizer = keras.optimizers.SGD(1.0)
    optimizer.apply([keras.ops.array(5.0)], [free.learned_scale])
    assert float(free.learned_scale) == pytest.approx(-4.98)


def test_more_axes_and_one_class():
    layer = CosineDense(1)
    x = RNG.normal(size=(2, 3, 6)).astype("float32")
    assert layer(x).shape == layer.compute_output_shape(x.shape) == (2, 3, 1)
    assert layer(keras.Input((3, 6))).shape == (None, 3, 1)


@pytest.mark.parametrize("gradient", ["exact", "caffe"])
@pytest.mark.parametrize("size", [0.0, 1e-20, 1.0, 1e15])
def test_edges_are_finite(gradient, size):
    layer = made(gradient=gradient, scale=30.0)
    w = W.copy()
    w[:, 0] = 0
    w[:, 1] *= 1e-15
    w[:, 2] *= 1e15
    layer.kernel.assign(w)
    x = np.stack([size * W[:, 3], -size * W[:, 3]]).astype("float32")
    y = array(layer(x))
    assert np.isfinite(y).all() and abs(y).max() <= 30.001
    for g in gradients_of(layer, x, np.ones((2, 5), "float32")):
        assert np.isfinite(g).all()


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_policies_give_float32(policy):
    layer = made(scale=30.0, dtype=policy)
    half = policy.removeprefix("mixed_")
    y = layer(keras.ops.cast(X, half))
    assert keras.backend.standardize_dtype(y.dtype) == "float32"
    y = array(y)
    assert layer(keras.Input((6,), dtype=half)).dtype == "float32"
    rounded = keras.ops.cast(keras.ops.cast(X, half), "float32")
    expected = made(scale=30.0)(rounded)
    np.testing.assert_allclose(y, array(expected), rtol=1e-5, atol=1e-5)


def test_saved_model_reloads(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((6,)),
            CosineDense(
                5,
                scale=10.0,
                learn_scale=True,
                scale_range=(None, 64.0),
                use_bias=True,
                gradient="caffe",
                epsilon=1e-6,
                kernel_regularizer="l2",
            ),
        ]
    )
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.layers[-1].get_config() == model.layers[-1].get_config()
    assert np.array_equal(array(model(X)), array(again(X)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "`units` must be an integer, at least 1.*units=0"),
        ({"units": 2.0}, "`units`"),
        ({"scale": 0.0}, "`scale` must be a finite number above 0"),
        ({"scale": float("nan")}, "`scale`"),
        ({"gradient": "fixed"}, '`gradient` must be one of "exact", "caffe"'),
        ({"epsilon": -1e-9}, "`epsilon`"),
        ({"scale_range": 3.0}, "`scale_range` must be a pair"),
        ({"scale_range": (2.0, 1.0)}, "minimum first"),
        ({"scale": 0.001, "learn_scale": True}, "within `scale_range`"),
        ({"learn_scale": "yes"}, "`learn_scale`"),
        ({"normalize_inputs": None}, "`normalize_inputs`"),
        ({"normalize_kernel": 2}, "`normalize_kernel`"),
        ({"use_bias": 0}, "`use_bias`"),
        ({"kernel_initializer": "no_such"}, "`kernel_initializer`"),
    ],
)
def test_errors_at_construction(arguments, message):
    with pytest.raises(ValueError, match=message):
        CosineDense(**{"units": 5, **arguments})


def test_feature_size_must_be_known():
    with pytest.raises(ValueError, match="known last dimension"):
        CosineDense(5)(keras.Input((None,)))
