import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.constraints.unit_vectors import UnitVectors
from keras_hypersphere.layers.inner_distance import InnerDistance
from keras_hypersphere.testing.gradients import array, gradients

RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 3)).astype("float32")
W = RNG.normal(size=(4, 3)).astype("float32")
LABELS = np.array([0, 2, 2, 3, 0])


def layer_of(kernel=W, **options):
    layer = InnerDistance(len(kernel), **options)
    layer.build((None, kernel.shape[1]))
    layer.kernel.assign(kernel)
    return layer


def run(layer, labels=None, upstream=None):
    upstream = np.ones((len(X), layer.units)) if upstream is None else upstream
    upstream = ops.convert_to_tensor(upstream, "float32")

    def function(x):
        y = layer(x, labels)
        return ops.sum(y * upstream), y

    return gradients(function, [X], [layer.kernel])


def test_by_hand():
    layer = layer_of(np.array([[1.0, 0.0], [0.0, -2.0]], "float32"))
    x = np.array([[1.0, 1.0]], "float32")
    np.testing.assert_allclose(array(layer(x)), [[1.0, 10.0]])
    layer = layer_of(layer.kernel.numpy(), distance="l1")
    np.testing.assert_allclose(array(layer(x)), [[1.0, 4.0]])


def test_agents_are_normalized():
    wanted = W / np.linalg.norm(W, axis=1, keepdims=True)
    for gradient in ("exact", "caffe"):
        layer = layer_of(normalize_kernel=True, gradient=gradient)
        np.testing.assert_allclose(
            array(layer(X)), array(layer_of(wanted)(X)), rtol=1e-5, atol=1e-6
        )


def test_exact_gradient_is_tangent_and_caffes_is_not():
    exact = run(layer_of(normalize_kernel=True)).variables[0]
    radial = (exact * W).sum(1)
    np.testing.assert_allclose(radial, 0, atol=1e-5)
    caffe = run(layer_of(normalize_kernel=True, gradient="caffe"))
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    np.testing.assert_allclose(
        caffe.variables[0],
        2 * (unit * len(X) - X.sum(0)),
        rtol=1e-5,
        atol=1e-5,
    )


def test_caffe_renormalizes_storage():
    layer = layer_of(normalize_kernel=True, gradient="caffe", epsilon=1e-6)
    assert isinstance(layer.kernel.constraint, UnitVectors)
    stored = array(layer.kernel.constraint(ops.convert_to_tensor(W)))
    length = np.sqrt((W.astype("float64") ** 2).sum(1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(stored, W / length, rtol=1e-6)
    assert layer_of(normalize_kernel=True).kernel.constraint is None
    assert layer_of(gradient="caffe").kernel.constraint is None
    own = keras.constraints.NonNeg()
    layer = layer_of(
        normalize_kernel=True, gradient="caffe", kernel_constraint=own
    )
    assert layer.kernel.constraint is own


@pytest.mark.parametrize("distance", ["squared-l2", "l1"])
def test_update_center_only(distance):
    upstream = RNG.normal(size=(5, 4)).astype("float32")
    layer = layer_of(distance=distance, update_center_only=True)
    result = run(layer, LABELS, upstream)
    plain = run(layer_of(distance=distance), LABELS, upstream)
    np.testing.assert_array_equal(result.outputs, plain.outputs)
    np.testing.assert_allclose(result.inputs[0], plain.inputs[0], rtol=1e-5)
    wanted = np.zeros(W.shape)
    for i, y in enumerate(LABELS):
        gap = W[y] - X[i]
        slope = np.sign(gap) if distance == "l1" else 2 * gap
        wanted[y] += upstream[i, y] * slope
    np.testing.assert_allclose(result.variables[0], wanted, atol=1e-5)
    assert not result.variables[0][1].any()


def test_nothing_is_updated_without_labels():
    result = run(layer_of(update_center_only=True))
    assert not result.variables[0].any()
    assert result.inputs[0].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, "`units` must be an integer, at least 1"),
        ({"units": 2.5}, "`units`"),
        ({"distance": "cosine"}, '`distance` must be one of "squared-l2", '),
        ({"gradient": "true"}, "`gradient`"),
        ({"normalize_kernel": 1}, "`normalize_kernel` must be True or False"),
        ({"update_center_only": None}, "`update_center_only`"),
        ({"epsilon": -1.0}, "`epsilon`"),
        ({"kernel_initializer": "ball"}, "`kernel_initializer`"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        InnerDistance(**{"units": 4, **options})
