import keras
import numpy as np
import pytest

from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.agent_triplet import AgentTriplet
from keras_hypersphere.layers.arc_face import ArcFace
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.losses.softmax_cross_entropy import (
    SoftmaxCrossEntropy,
)
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing

CLASSES = 5


def backbone(name=None):
    return keras.Sequential(
        [keras.Input((8,)), keras.layers.Dense(16, name="fc5")], name=name
    )


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, 48)
    x = rng.normal(size=(48, 8)) + 3 * rng.normal(size=(CLASSES, 8))[y]
    return x.astype("float32"), y


def test_trains_with_plain_labels(data):
    x, y = data
    keras.utils.set_random_seed(0)
    model = MarginModel(backbone(), ASoftmax(CLASSES, margin=2))
    model.compile(keras.optimizers.Adam(0.01))
    history = model.fit(x, y, batch_size=16, epochs=20, verbose=0).history
    assert sorted(history) == [
        "accuracy",
        "annealing",
        "loss",
        "softmax_cross_entropy",
    ]
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert int(model.head.annealing_step) == 60
    # The log is the margin's own, after the last step of the epoch.
    assert history["annealing"][-1] == pytest.approx(
        float(model.head.annealing(60)), rel=1e-6
    )
    report = model.evaluate(x, y, verbose=0, return_dict=True)
    assert report["accuracy"] > 0.95
    assert int(model.head.annealing_step) == 60


def test_evaluation_knows_no_margin(data):
    """Logged in evaluation: the plain cross-entropy of |x| cos."""
    x, y = data
    model = MarginModel(backbone(), ASoftmax(CLASSES, annealing=None))
    model.compile("sgd")
    features = model.backbone.predict(x, verbose=0).astype("float64")
    kernel = np.asarray(model.head.kernel, "float64")
    logits = features @ (kernel / np.linalg.norm(kernel, axis=0))
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    loss = -log_p[np.arange(len(y)), y].mean()
    assert model.evaluate(x, y, verbose=0)[0] == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 2.0, 48)])
def test_logs_the_parts_of_the_loss(data, weights):
    """Of uneven batches, in training and evaluation."""
    x, y = data
    model = MarginModel(
        backbone(),
        [
            CenterLoss(CLASSES, loss_weight=0.5),
            CenterLoss(CLASSES, loss_weight=0.25),
            CosineDense(CLASSES, scale=8.0, name="cosine"),
        ],
    )
    model.compile("sgd")
    logs = model.fit(
        x,
        y,
        batch_size=20,
        sample_weight=weights,
        validation_data=(x, y),
        verbose=0,
    ).history
    names = ["center_loss", "center_loss_1", "softmax_cross_entropy"]
    assert set(logs) == {
        f"{prefix}{name}"
        for prefix in ("", "val_")
        for name in ["accuracy", "loss", *names]
    }
    logs = {name: values[0] for name, values in logs.items()}
    for prefix in ("", "val_"):
        total = sum(logs[f"{prefix}{name}"] for name in names)
        assert total == pytest.approx(logs[f"{prefix}loss"], rel=1e-5)
    # By hand: half the squared distance to the centers, and its weight.
    features = model.backbone.predict(x, verbose=0)
    centers = keras.ops.convert_to_numpy(model.heads[0].centers)
    squares = np.square(features - centers[y]).sum(axis=1)
    assert logs["val_center_loss"] == pytest.approx(
        0.25 * squares.mean(), rel=1e-5
    )
    assert logs["val_center_loss_1"] == pytest.approx(
        0.125 * squares.mean(), rel=1e-5
    )


@pytest.mark.parametrize(
    ("make_head", "loss", "names"),
    [
        # Automatic names would have a number here.
        (lambda: AgentTriplet(CLASSES), None, ["agent_triplet_loss"]),
        (
            lambda: AgentContrastive(CLASSES, name="agents"),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            ["agents_loss", "sparse_categorical_crossentropy"],
        ),
        (
            lambda: CosineDense(CLASSES),
            SoftmaxCrossEntropy(name="faces_7"),
            ["faces_7"],
        ),
        (
            lambda: CosineDense(CLASSES),
            lambda y, logits: keras.ops.mean(logits),
            ["data_loss"],
        ),
    ],
)
def test_names_in_the_logs(data, make_head, loss, names):
    x, y = data
    make_head()
    model = MarginModel(backbone(), make_head())
    # What is compiled again does not log what it logged before.
    model.compile("sgd", loss=keras.losses.Poisson())
    model.compile("sgd", loss=loss)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert sorted(logs) == sorted(["accuracy", "loss", *names])


def test_regularizers_count_in_the_loss_alone(data):
    x, y = data
    head = AgentContrastive(CLASSES, kernel_regularizer=keras.regularizers.L2())
    model = MarginModel(backbone(), head)
    model.compile("sgd")
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    extra = 0.01 * np.square(keras.ops.convert_to_numpy(head.kernel)).sum()
    assert extra > 0.01
    assert logs["loss"] == pytest.approx(
        logs["agent_contrastive_loss"] + extra, rel=1e-5
    )


def test_accuracy_is_that_of_the_plain_logits(data):
    """In `fit` as in `evaluate`: with the margin it would be near zero."""
    x, y = data
    model = MarginModel(backbone(), ArcFace(CLASSES, margin=1.2, scale=8.0))
    model.compile(
        keras.optimizers.SGD(0.0),
        metrics=[
            "acc",
            keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top"),
        ],
        weighted_metrics=["accuracy"],
    )
    features = keras.ops.convert_to_numpy(model(x))
    means = [features[y == c].mean(axis=0) for c in range(CLASSES)]
    model.head.kernel.assign(np.stack(means, axis=1))
    trained = model.fit(x, y, batch_size=48, verbose=0).history
    plain = keras.ops.convert_to_numpy(model.head(model(x)))
    right = float(np.mean(plain.argmax(axis=1) == y))
    second = float(np.mean((plain >= np.sort(plain)[:, [-2]])[range(48), y]))
    margin = model.head(model(x), y, training=True)
    margin = keras.ops.convert_to_numpy(margin).argmax(axis=1)
    assert np.mean(margin == y) < right - 0.1
    logs = model.evaluate(x, y, batch_size=48, verbose=0, return_dict=True)
    for found in (logs, {name: values[0] for name, values in trained.items()}):
        assert found["acc"] == pytest.approx(right)
        assert found["accuracy"] == pytest.approx(right)
        assert found["top"] == pytest.approx(second)
    assert trained["loss"][0] > logs["loss"] + 1.0


def test_predicts_embeddings(data):
    x, _ = data
    model = MarginModel(backbone(), CosineDense(CLASSES, scale=10.0))
    np.testing.assert_array_equal(
        model.predict(x, verbose=0), model.backbone.predict(x, verbose=0)
    )


def test_saved_and_resumed(data, tmp_path):
    x, y = data
    head = ASoftmax(CLASSES, annealing=LambdaAnnealing(minimum=2.0))
    model = MarginModel(backbone(), head, name="faces")
    model.compile("adam")
    model.fit(x, y, batch_size=16, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(restored, MarginModel)
    assert restored.name == "faces"
    assert int(restored.head.annealing_step) == 3
    assert restored.head.annealing.minimum == 2.0
    for each in (model, restored):
        each.fit(x, y, batch_size=16, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), restored.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)


def test_own_loss_and_metrics_see_logits(data):
    x, y = data
    model = MarginModel(backbone(), CosineDense(CLASSES, scale=10.0))
    model.compile(
        "adam",
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top")],
    )
    history = model.fit(x, y, verbose=0).history
    assert sorted(history) == ["loss", "sparse_categorical_crossentropy", "top"]


def test_data_sets_and_weights(data):
    tf = pytest.importorskip("tensorflow")
    x, y = data
    model = MarginModel(backbone(), ASoftmax(CLASSES))
    model.compile("adam")
    dataset = tf.data.Dataset.from_tensor_slices(
        (x, y[:, None], np.ones(len(y), "float32"))
    ).batch(16)
    assert "loss" in model.fit(dataset, verbose=0).history


def test_list_of_heads(data):
    x, y = data
    model = MarginModel(backbone(), [ASoftmax(CLASSES)])
    model.compile("adam")
    model.fit(x, y, verbose=0)
    assert int(model.heads[0].annealing_step) == 2


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((backbone, lambda: "softmax"), "`head` must be a layer"),
        ((backbone, list), "`head` must be a layer or a list"),
        ((lambda: None, lambda: ASoftmax(5)), "`backbone` must be"),
        (
            (backbone, lambda: [ASoftmax(5), ASoftmax(5)]),
            "one layer that gives class logits",
        ),
    ],
)
def test_wrong_parts(parts, message):
    make_backbone, make_head = parts
    with pytest.raises(ValueError, match=message):
        MarginModel(make_backbone(), make_head())


def test_half_precision_keeps_large_labels():
    """Float labels above 2,048 would collide in float16."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = MarginModel(
            backbone(), ASoftmax(3000, annealing=None, margin=1)
        )
        model.compile("sgd")
        x = np.random.default_rng(0).normal(size=(2, 8)).astype("float32")
        y = np.array([2049.0, 2999.0], "float32")
        logs = model.fit(x, y, verbose=0).history
        assert np.isfinite(logs["loss"])
        before = keras.ops.convert_to_numpy(model.head.kernel).copy()
        # Keras skips the first steps, until its loss scale is low enough.
        model.fit(x, y, epochs=6, verbose=0)
        moved = keras.ops.convert_to_numpy(model.head.kernel) - before
        lengths = np.linalg.norm(moved, axis=0)
        assert sorted(np.argsort(lengths)[-2:]) == [2049, 2999]
    finally:
        keras.config.set_dtype_policy("float32")
