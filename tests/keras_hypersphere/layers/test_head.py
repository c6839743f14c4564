"""What all heads have in common, on the routes where Keras calls them."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere import layers
from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy

X = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
Y = np.arange(8) % 3


@pytest.mark.parametrize(
    ("head", "missed"),
    [
        (lambda: layers.ArcFace(3), "applies no margin"),
        (lambda: layers.ASoftmax(3), "applies no margin"),
        (lambda: layers.AgentContrastive(3), "adds no loss"),
        (lambda: layers.CenterLoss(3), "adds no loss"),
    ],
)
def test_training_without_labels_warns_once(head, missed):
    model = keras.Sequential([keras.Input((4,)), head()])
    model.compile("sgd", "mse")
    wanted = model.predict(X, verbose=0)
    with pytest.warns(UserWarning, match=missed) as told:
        model.fit(X, wanted, epochs=2, verbose=0)
    told = [str(w.message) for w in told if "without labels" in str(w.message)]
    assert len(told) == 1
    assert "kh.models.MarginModel" in told[0]
    assert "kh.models.with_head" in told[0]


@pytest.mark.parametrize(
    "head",
    [
        lambda: layers.ASoftmax(3, margin=1),
        lambda: layers.AMSoftmax(3, margin=0.0),
        lambda: layers.InnerDistance(3),
        lambda: layers.CosineDense(3),
    ],
)
def test_nothing_is_missed_without_a_margin(head):
    model = keras.Sequential([keras.Input((4,)), head()])
    model.compile("sgd", SoftmaxCrossEntropy())
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*without labels.*")
        model.fit(X, Y, verbose=0)
        model.evaluate(X, Y, verbose=0)
    layer = layers.ArcFace(3)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*without labels.*")
        layer(X, training=False)
        layer(X, Y, training=True)


@pytest.mark.parametrize("name", ["ArcFace", "AgentContrastive", "CenterLoss"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_feature_that_is_no_number_gives_nan(name, value):
    x = X.copy()
    x[2, 1] = value
    head = getattr(layers, name)(3)
    with keras.StatelessScope(collect_losses=True) as scope:
        outputs = head(ops.convert_to_tensor(x), Y, training=True)
        losses = [ops.convert_to_numpy(loss) for loss in scope.losses]
    assert np.isnan(losses).all()
    if name != "CenterLoss":
        assert np.isnan(ops.convert_to_numpy(outputs)[2]).any()


def test_an_ignored_sample_counts_in_no_mean():
    """By `ignore_class=` of the head itself, and the same as without it."""
    y = np.where(Y == 1, 9, Y)
    for name in ("AgentContrastive", "AgentTriplet", "CenterLoss"):
        losses = []
        for rows, labels in ((slice(None), y), (Y != 1, Y[Y != 1])):
            start = keras.initializers.RandomNormal(seed=0)
            kernel = "center" if name == "CenterLoss" else "kernel"
            head = getattr(layers, name)(
                3, ignore_class=9, **{f"{kernel}_initializer": start}
            )
            head(ops.convert_to_tensor(X[rows]), labels, training=False)
            losses.append(float(head.losses[0]))
        assert losses[0] == pytest.approx(losses[1], rel=1e-6), name
