import keras
import numpy as np
import pytest

from keras_hypersphere.data.labels_as_input import labels_as_input
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.models.headed_model import HeadedModel, with_head

CROSS_ENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def backbone():
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(6)])


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 8)).astype("float32")
    return x, rng.integers(0, 5, 32)


def test_fit_evaluate_predict(data):
    x, y = data
    model = with_head(backbone(), ASoftmax(5))
    model.compile("adam", CROSS_ENTROPY, metrics=["accuracy"])
    model.fit(*labels_as_input((x, y)), batch_size=8, verbose=0)
    assert int(model.head.annealing_step) == 4
    model.evaluate(*labels_as_input((x, y)), verbose=0)
    assert int(model.head.annealing_step) == 4
    logits = model.predict({"image": x, "label": None}, verbose=0)
    assert logits.shape == (32, 5)
    # Outside training the labels change nothing.
    np.testing.assert_allclose(
        model.predict({"image": x, "label": y}, verbose=0), logits, rtol=1e-6
    )


def test_saved_and_resumed(data, tmp_path):
    x, y = data
    model = with_head(backbone(), ASoftmax(5), label_name="person")
    model.compile("adam", CROSS_ENTROPY)
    inputs = {"image": x, "person": y}
    model.fit(inputs, y, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(restored, HeadedModel)
    for each in (model, restored):
        each.fit(inputs, y, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), restored.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(
        restored.backbone.predict(x, verbose=0),
        model.backbone.predict(x, verbose=0),
        rtol=1e-6,
    )


def test_head_without_labels(data):
    x, y = data
    model = with_head(backbone(), CosineDense(5, scale=8.0))
    model.compile("adam", CROSS_ENTROPY)
    model.fit(*labels_as_input((x, y)), verbose=0)


def test_the_loss_is_of_logits(data, tmp_path):
    x, y = data
    model = with_head(backbone(), CosineDense(5, scale=8.0))
    inputs = {"image": x, "label": y}
    losses = []
    for loss in (CROSS_ENTROPY, "sparse_categorical_crossentropy"):
        model.compile("sgd", loss, metrics=["accuracy"])
        losses.append(model.evaluate(inputs, y, verbose=0)[0])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    with pytest.raises(ValueError, match="`loss` must take logits"):
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy())
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    again = restored.evaluate(inputs, y, verbose=0)
    assert again[0] == pytest.approx(losses[0], rel=1e-5)


@pytest.mark.parametrize(
    ("make_backbone", "label_name", "message"),
    [
        (lambda: None, "label", "`backbone` must be a `keras.Model`"),
        (
            lambda: keras.Sequential([keras.layers.Dense(2)]),
            "label",
            "must be a built model",
        ),
        (backbone, "image", "`label_name` must be a string other than"),
    ],
)
def test_errors(make_backbone, label_name, message):
    with pytest.raises(ValueError, match=message):
        with_head(make_backbone(), ASoftmax(5), label_name)
