"""The cases of TensorFlow Addons' own tests, and what it does not test."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere import addons as tfa
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.backends import compiled

HALVES = {"float32": 1e-5, "float16": 2e-3, "bfloat16": 2e-2}
METRICS = ("L2", "squared-L2", "angular")
EMBEDDING_LOSSES = (
    tfa.losses.TripletSemiHardLoss,
    tfa.losses.TripletHardLoss,
    tfa.losses.LiftedStructLoss,
)
FUNCTIONS = (
    tfa.losses.triplet_semihard_loss,
    tfa.losses.triplet_hard_loss,
    tfa.losses.lifted_struct_loss,
)


def batch(count, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.random((count, 6)).astype("float32")
    return x, rng.integers(0, 4, count)


def distance(a, b, metric):
    if metric == "angular":
        return 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    size = np.linalg.norm(a - b)
    return size**2 if metric == "squared-L2" else size


def neighbors(x, labels, anchor, metric):
    """Distances to an anchor's positives and negatives."""
    near, far = [], []
    for other in range(len(x)):
        if other == anchor:
            continue
        d = distance(x[anchor], x[other], metric)
        (near if labels[other] == labels[anchor] else far).append(d)
    return near, far


def semi_hard(x, labels, metric, margin):
    total = []
    for anchor in range(len(x)):
        near, far = neighbors(x, labels, anchor, metric)
        for positive in near:
            beyond = [d for d in far if d > positive]
            negative = min(beyond) if beyond else max(far)
            total.append(max(0.0, margin + positive - negative))
    return np.mean(total)


def hard(x, labels, metric, margin, soft):
    total = []
    for anchor in range(len(x)):
        near, far = neighbors(x, labels, anchor, metric)
        gap = max(near, default=0.0) - min(far)
        total.append(np.logaddexp(0, gap) if soft else max(0.0, gap + margin))
    return np.mean(total)


def lifted(x, labels, margin):
    total = []
    for i in range(len(x)):
        for j in range(len(x)):
            if i == j or labels[i] != labels[j]:
                continue
            far = [*neighbors(x, labels, i, "L2")[1]]
            far += neighbors(x, labels, j, "L2")[1]
            push = np.logaddexp.reduce([margin - d for d in far])
            pull = distance(x[i], x[j], "L2")
            total.append(max(0.0, push + pull) ** 2 / 2)
    return np.mean(total)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("metric", METRICS)
def test_semi_hard(metric, dtype):
    x, labels = batch(10)
    y = ops.cast(x, dtype)
    x = ops.convert_to_numpy(ops.cast(y, "float32")).astype("float64")
    found = tfa.losses.TripletSemiHardLoss(distance_metric=metric)(labels, y)
    wanted = semi_hard(x, labels, metric, 1.0)
    np.testing.assert_allclose(float(found), wanted, rtol=1e-5)


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("metric", METRICS)
def test_hard(metric, soft, dtype):
    x, labels = batch(20)
    y = ops.cast(x, dtype)
    x = ops.convert_to_numpy(ops.cast(y, "float32")).astype("float64")
    loss = tfa.losses.TripletHardLoss(soft=soft, distance_metric=metric)
    wanted = hard(x, labels, metric, 1.0, soft)
    np.testing.assert_allclose(float(loss(labels, y)), wanted, rtol=1e-5)


@pytest.mark.parametrize("dtype", HALVES)
def test_lifted_struct(dtype):
    x, labels = batch(10)
    y = ops.cast(x, dtype)
    x = ops.convert_to_numpy(ops.cast(y, "float32")).astype("float64")
    loss = tfa.losses.LiftedStructLoss()
    found = loss(labels.astype("float32"), y)
    np.testing.assert_allclose(float(found), lifted(x, labels, 1.0), rtol=1e-5)


# TripletHardLoss is defined without positives: the nearest negative alone.
@pytest.mark.parametrize(
    "cls", [tfa.losses.TripletSemiHardLoss, tfa.losses.LiftedStructLoss]
)
def test_without_pairs_it_is_zero_with_zero_gradient(cls):
    x, _ = batch(5)
    loss = cls()

    def function(y):
        value = loss(np.arange(5), y)
        return value, [value]

    result = gradients(function, [ops.convert_to_tensor(x)])
    assert result.outputs[0] == 0 and not result.inputs[0].any()


@pytest.mark.slow
@pytest.mark.parametrize("cls", EMBEDDING_LOSSES)
def test_compiled_by_xla_it_is_the_same(cls):
    x, labels = batch(24, seed=3)
    loss = cls()
    run = compiled(lambda labels, x: loss(labels, x))
    labels = ops.convert_to_tensor(labels.astype("int32"))
    found = float(run(labels, ops.convert_to_tensor(x)))
    np.testing.assert_allclose(found, float(loss(labels, x)), rtol=1e-5)


@pytest.mark.parametrize("loss", FUNCTIONS)
def test_a_model_compiles_with_the_function(loss):
    x, labels = batch(8)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
    model.compile("adam", loss=loss)
    logged = model.fit(x, labels, verbose=0, batch_size=8).history["loss"]
    assert np.isfinite(logged).all() and logged[0] > 0


@pytest.mark.parametrize("cls", EMBEDDING_LOSSES)
def test_serialization(cls):
    loss = keras.losses.deserialize(keras.losses.serialize(cls(margin=0.3)))
    assert type(loss) is cls and loss.margin == 0.3
    assert loss.reduction == "none"


def test_a_configuration_of_tensorflow_addons_is_read():
    """As Keras 2.15 wrote it into a file."""
    loss = keras.saving.deserialize_keras_object(
        {
            "module": "tensorflow_addons.losses.triplet",
            "class_name": "TripletHardLoss",
            "config": {
                "reduction": "none",
                "name": None,
                "margin": 1.0,
                "soft": True,
                "distance_metric": "L2",
            },
            "registered_name": "Addons>TripletHardLoss",
        }
    )
    assert isinstance(loss, tfa.losses.TripletHardLoss) and loss.soft


@keras.saving.register_keras_serializable(package="tests.addons")
def gram(x):
    return ops.matmul(x, ops.transpose(x))


def test_a_registered_metric_is_saved():
    loss = tfa.losses.TripletHardLoss(distance_metric=gram)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.distance_metric is gram
    # The example of TensorFlow Addons: distances 1 to itself, 0 to others.
    found = again(np.array([0, 0]), np.eye(2, dtype="float32"))
    assert float(found) == 0.0


def test_wrong_arguments():
    loss = tfa.losses.TripletSemiHardLoss
    with pytest.raises(ValueError, match="distance_metric='l2'"):
        loss(distance_metric="l2")
    with pytest.raises(ValueError, match="margin='1'"):
        loss(margin="1")
    with pytest.raises(TypeError, match="mragin"):
        loss(mragin=1.0)
    x, labels = batch(4)
    with pytest.raises(ValueError, match="argmax"):
        loss()(np.eye(4)[labels], x)
    with pytest.raises(ValueError, match=r"y_pred.shape=\(4, 6, 1\)"):
        loss()(labels, x[..., None])
    bad = loss(distance_metric=lambda x: x)
    with pytest.raises(ValueError, match=r"shape \(4, 6\)"):
        bad(labels, x)


def test_weights_multiply_by_their_mean():
    x, labels = batch(8)
    loss = tfa.losses.TripletSemiHardLoss()
    whole = float(loss(labels, x))
    weights = np.linspace(0.0, 3.0, 8)
    found = float(loss(labels, x, sample_weight=weights))
    np.testing.assert_allclose(found, 1.5 * whole, rtol=1e-6)
    found = float(loss(labels, x, sample_weight=3.0))
    np.testing.assert_allclose(found, 3 * whole, rtol=1e-6)


def test_the_distances_are_those_of_the_tests_of_tensorflow_addons():
    """Equal, nearly equal, and known embeddings."""
    from keras_hypersphere.addons.losses.distance_metric import distances_of

    same = np.array([[1.0, 0.5], [1.0, 0.5]], "float32")
    assert not ops.convert_to_numpy(distances_of(same, "L2")).any()
    rng = np.random.default_rng(0)
    close = (1.0 + 2e-7 * rng.random((64, 6))).astype("float32")
    assert (ops.convert_to_numpy(distances_of(close, "L2")) >= 0).all()
    x = np.array([[0.5, 0.5], [1.0, 1.0]], "float32")
    for metric, wanted in (("L2", 0.5**0.5), ("squared-L2", 0.5)):
        found = ops.convert_to_numpy(distances_of(x, metric))
        np.testing.assert_allclose(found, [[0, wanted], [wanted, 0]], rtol=1e-6)
