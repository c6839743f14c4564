import keras
import numpy as np
import pytest

from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from keras_hypersphere.models.margin_model import MarginModel

CLASSES = 3
X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.arange(8) % CLASSES
Sparse = keras.losses.SparseCategoricalCrossentropy


def evaluated(**options):
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model = MarginModel(backbone, CosineDense(CLASSES, scale=9.0))
    model.compile("sgd", **options)
    return model.evaluate(X, Y, verbose=0, return_dict=True)


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        "SparseCategoricalCrossentropy",
        keras.losses.sparse_categorical_crossentropy,
        Sparse(from_logits=True, name="sparse_categorical_crossentropy"),
        [Sparse(from_logits=True)],
    ],
)
def test_all_are_the_cross_entropy_of_logits(loss):
    logs = evaluated(loss=loss)
    wanted = evaluated()
    assert logs["loss"] == pytest.approx(wanted["loss"], rel=1e-6)
    assert sorted(logs) == [
        "accuracy",
        "loss",
        "sparse_categorical_crossentropy",
    ]


def test_words_for_metrics_mean_logits_too():
    logs = evaluated(metrics=["ce", "sparse_categorical_accuracy", "acc"])
    assert logs["ce"] == pytest.approx(logs["loss"], rel=1e-6)
    assert logs["acc"] == logs["sparse_categorical_accuracy"]


def test_the_weight_of_the_loss():
    once, twice = evaluated(), evaluated(loss_weights=2.0)
    assert twice["loss"] == pytest.approx(2 * once["loss"], rel=1e-6)
    assert evaluated(loss_weights=[2.0]) == twice


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": Sparse()}, "`loss` must take logits"),
        (
            {"loss": keras.losses.categorical_focal_crossentropy},
            "`loss` must take logits.*Received: categorical_focal",
        ),
        (
            {"metrics": [keras.losses.categorical_focal_crossentropy]},
            "`metrics` must take logits",
        ),
        ({"loss": "mse"}, "`loss` must be one loss of class indices"),
        ({"loss": "categorical_crossentropy"}, "`loss` must be one loss"),
        ({"loss": {"a": Sparse(from_logits=True)}}, "`loss` must be one"),
        ({"loss": ["mse", "mse"]}, "`loss` must be one loss"),
        (
            {"metrics": [keras.metrics.SparseCategoricalCrossentropy()]},
            "`metrics` must take logits",
        ),
        (
            {"weighted_metrics": keras.metrics.SparseCategoricalCrossentropy()},
            "`weighted_metrics` must take logits",
        ),
        ({"loss_weights": "much"}, "`loss_weights` must be a finite number"),
    ],
)
def test_what_reads_probabilities_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        evaluated(**options)


def test_compiled_again_after_loading(tmp_path):
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model = MarginModel(backbone, CosineDense(CLASSES, scale=9.0))
    model.compile(
        "sgd",
        SoftmaxCrossEntropy(label_smoothing=0.1),
        metrics=["accuracy", "ce"],
        loss_weights=0.5,
    )
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    options = {"verbose": 0, "return_dict": True}
    wanted = model.evaluate(X, Y, **options)
    assert restored.evaluate(X, Y, **options) == pytest.approx(wanted, rel=1e-5)
    assert restored.loss.label_smoothing == 0.1
