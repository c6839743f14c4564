"""Three ways from labels to a head: trained, saved, loaded elsewhere."""

import keras
import numpy as np
import pytest

from keras_hypersphere.data.labels_as_input import labels_as_input
from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from keras_hypersphere.models.headed_model import with_head
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.testing import fresh_process

CLASSES, BATCH = 4, 8
RNG = np.random.default_rng(0)
Y = RNG.integers(0, CLASSES, 40)
X = (RNG.normal(size=(40, 6)) + 2 * RNG.normal(size=(CLASSES, 6))[Y]).astype(
    "float32"
)

HEADS = {
    "asoftmax": lambda: [ASoftmax(CLASSES, margin=2)],
    "agents": lambda: [AgentContrastive(CLASSES)],
    "centers": lambda: [
        CenterLoss(CLASSES, loss_weight=0.1),
        CosineDense(CLASSES, scale=8.0),
    ],
}


def backbone():
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(5)])


def by_hand(heads):
    image = keras.Input((6,), name="image")
    label = keras.Input((), dtype="int32", optional=True, name="label")
    outputs = backbone()(image)
    for head in heads:
        labelled = not isinstance(head, CosineDense)
        outputs = head(outputs, label) if labelled else head(outputs)
    return keras.Model({"image": image, "label": label}, outputs)


def joined(heads):
    return with_head(backbone(), heads if len(heads) > 1 else heads[0])


def margin_model(heads):
    return MarginModel(backbone(), heads if len(heads) > 1 else heads[0])


ROUTES = {"functional": by_hand, "with_head": joined, "model": margin_model}


def compiled(route, head):
    keras.utils.set_random_seed(0)
    model = ROUTES[route](HEADS[head]())
    loss = None if head == "agents" else SoftmaxCrossEntropy()
    metrics = [keras.metrics.SparseCategoricalAccuracy("accuracy")]
    if head == "agents" and route != "model":
        metrics = None  # Keras has none without a loss.
    model.compile(keras.optimizers.Adam(0.05), loss, metrics=metrics)
    return model


def data(route, dataset):
    """What `fit` and `evaluate` take."""
    if dataset:
        import tensorflow as tf

        pairs = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)
        return (pairs if route == "model" else labels_as_input(pairs),)
    return (X, Y) if route == "model" else labels_as_input((X, Y))


# One head is enough to see that data sets arrive.
@pytest.mark.parametrize(
    ("head", "dataset"),
    [
        ("centers", True),
        *(pytest.param(head, False, marks=pytest.mark.slow) for head in HEADS),
    ],
)
@pytest.mark.parametrize(
    "route",
    [pytest.param("functional", marks=pytest.mark.slow), "with_head", "model"],
)
def test_route(route, head, dataset, tmp_path):
    if dataset:
        pytest.importorskip("tensorflow")
    usual = {"verbose": 0}
    if not dataset:
        usual["batch_size"] = BATCH
    given = data(route, dataset)
    model = compiled(route, head)
    history = model.fit(
        *given, epochs=8, **usual, **({} if dataset else {"shuffle": False})
    ).history
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    before = model.get_weights()
    logs = model.evaluate(*given, return_dict=True, **usual)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    if "accuracy" in logs:
        assert logs["accuracy"] > 0.7
    plain = X if route == "model" else {"image": X, "label": None}
    predicted = model.predict(plain, batch_size=BATCH, verbose=0)
    assert predicted.shape == (40, 5 if route == "model" else CLASSES)
    if route != "model":
        # Labels are looked at outside training, and change nothing.
        told = model.predict({"image": X, "label": Y}, verbose=0)
        np.testing.assert_allclose(told, predicted, atol=1e-5)
    if dataset:
        return  # The file is the same.
    check_elsewhere(model, route, given, logs, predicted, tmp_path)


def check_elsewhere(model, route, given, logs, predicted, folder):
    """Loads, predicts, evaluates and trains on, in another process."""
    model.save(folder / "model.keras")
    np.savez(folder / "data.npz", feed_image=X, feed_label=Y, target_0=Y)
    error = fresh_process.shared().ask(
        {
            "model": str(folder / "model.keras"),
            "data": str(folder / "data.npz"),
            "results": str(folder / "results.npz"),
            "imports": ["keras_hypersphere"],
            "labels": ["label"],
            "batch": BATCH,
            "replicas": 0,
            "bare": "image" if route == "model" else None,
            "resume": True,
        }
    )
    assert error is None, error
    with np.load(folder / "results.npz") as file:
        found = dict(file)
    np.testing.assert_allclose(found["output_0"], predicted, atol=1e-5)
    for name, value in logs.items():
        assert found[f"log_{name}"] == pytest.approx(value, rel=1e-4), name
    model.fit(*given, batch_size=BATCH, shuffle=False, verbose=0)
    for index, weight in enumerate(model.get_weights()):
        np.testing.assert_allclose(
            found[f"weight_{index}"], weight, atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize("route", ROUTES)
def test_one_hot_labels_are_refused(route):
    model = compiled(route, "asoftmax")
    one_hot = np.eye(CLASSES, dtype="int32")[Y]
    given = (X, one_hot)
    given = given if route == "model" else labels_as_input(given)
    # The input of a functional model by hand is Keras's own.
    message = "Expected shape" if route == "functional" else "argmax"
    with pytest.raises(ValueError, match=message):
        model.fit(*given, batch_size=BATCH, verbose=0)
