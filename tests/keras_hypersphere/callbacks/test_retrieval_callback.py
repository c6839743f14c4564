import keras
import numpy as np
import pytest

from keras_hypersphere import evaluation
from keras_hypersphere.callbacks import RetrievalCallback
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.models.margin_model import MarginModel
from tests.keras_hypersphere.callbacks.test_verification_callback import (
    backbone,
    fit,
    ray,
)

PHOTOS = ray([0, 20, 9, 50, 180])
NAMES = np.array(["Ann", "Ann", "Ben", "Ann", "Cid"])
KEYS = {
    "val_retrieval_recall_at_1",
    "val_retrieval_recall_at_2",
    "val_retrieval_precision_at_1",
    "val_retrieval_r_precision",
    "val_retrieval_map_at_r",
}


def test_numbers_by_hand():
    """As in the test of `retrieval`: nearest to Ann's first is Ben."""
    callback = RetrievalCallback(PHOTOS, NAMES, k=(1, 2))
    logs = fit(MarginModel(backbone(), ASoftmax(2)), callback)
    assert {k for k in logs if k.startswith("val")} == KEYS
    report = evaluation.retrieval(PHOTOS, NAMES, (1, 2))
    assert callback.report == report == callback.measure()
    assert logs["val_retrieval_recall_at_1"] == [pytest.approx(1 / 3)]
    assert logs["val_retrieval_recall_at_2"] == [1.0]
    assert logs["val_retrieval_precision_at_1"] == [pytest.approx(1 / 3)]
    assert logs["val_retrieval_r_precision"] == [pytest.approx(1 / 2)]
    assert logs["val_retrieval_map_at_r"] == [pytest.approx(1 / 3)]


def test_every_and_stops():
    callback = RetrievalCallback(PHOTOS, NAMES, k=1, every=2, prefix="r_")
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append("r_map_at_r" in logs)
    )
    model = MarginModel(backbone(), ASoftmax(2))
    fit(model, callback, watch, epochs=4)
    assert seen == [True, False, True, True]


def test_a_training_that_diverges():
    callback = RetrievalCallback(PHOTOS, NAMES, k=1)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.SGD(1e38), "mse")
    with pytest.warns(UserWarning, match="Training has diverged"):
        logs = model.fit(
            PHOTOS, np.ones((5, 2)), 1, 3, callbacks=[callback], verbose=0
        ).history
    assert np.isnan(logs["val_retrieval_map_at_r"][-1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": range(5)}, "somebody with two photos"),
        ({"labels": [0, 0]}, "`images` must hold one photo for each of the 2"),
        ({"k": 0}, "`k` must"),
        ({"every": 0}, "`every` must"),
        ({"distance": "angle"}, "distance"),
        ({"prefix": 1}, "`prefix` must"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        RetrievalCallback(**{"images": PHOTOS, "labels": NAMES, **arguments})
