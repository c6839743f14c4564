import itertools

import keras
import numpy as np
import pytest

from keras_hypersphere.callbacks.mining_monitor import MiningMonitor
from keras_hypersphere.data.balanced_batches import BalancedBatches
from keras_hypersphere.losses.pair_contrastive_loss import PairContrastiveLoss

X = np.random.default_rng(0).standard_normal((20, 3)).astype("float32")
Y = np.arange(20) % 5


def still():
    """A model that gives unit vectors and does not learn."""
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.UnitNormalization()]
    )
    model.compile("sgd", PairContrastiveLoss())
    return model


def logs_of(monitor):
    """What an epoch's end with this model logs."""
    logs = {}
    monitor.set_model(still())
    monitor.on_epoch_end(0, logs)
    return logs


def by_loops(x, y, margin):
    u = x.astype("float64")
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    found, anchors, violated, pairs = set(), set(), 0, 0
    for a, p in itertools.permutations(range(len(y)), 2):
        others = [n for n in range(len(y)) if y[n] != y[a]]
        if y[a] != y[p] or not others:
            continue
        near = np.sum((u[a] - u[p]) ** 2)
        far = [np.sum((u[a] - u[n]) ** 2) for n in others]
        anchors.add(a)
        pairs += 1
        violated += min(far) <= near
        if any(near < d < near + margin for d in far):
            found.add(a)
    return len(found) / len(anchors), violated / pairs


@pytest.mark.parametrize("margin", [0.02, 0.2])
def test_against_loops(margin):
    logs = logs_of(MiningMonitor(X, Y, margin=margin, prefix="val_"))
    found, violated = by_loops(X, Y, margin)
    assert 0 < found <= 1 and 0 < violated < 1
    np.testing.assert_allclose(logs["val_semi_hard_anchors"], found)
    np.testing.assert_allclose(logs["val_violated_pairs"], violated)
    assert 0.3 < logs["val_embedding_spread"] < 1.2


def test_batches_are_measured_one_by_one():
    batches = BalancedBatches(Y, 2, 2, load=X, seed=0, rounds_per_epoch=2)
    logs = logs_of(MiningMonitor(batches))
    parts = [by_loops(*batches[i], 0.2) for i in range(len(batches))]
    found, violated = np.mean(parts, axis=0)
    np.testing.assert_allclose(logs["semi_hard_anchors"], found)
    np.testing.assert_allclose(logs["violated_pairs"], violated)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_warns_of_collapse(value):
    x = np.full((8, 3), value, "float32")
    with pytest.warns(UserWarning, match="Collapse in epoch 1"):
        logs = logs_of(MiningMonitor(x, np.arange(8) % 2))
    assert logs["semi_hard_anchors"] == 0.0
    assert logs["embedding_spread"] == pytest.approx(0, abs=1e-6)


def test_in_fit_it_warns_once():
    monitor = MiningMonitor(np.ones((8, 3), "float32"), np.arange(8) % 2)
    with pytest.warns(UserWarning, match="Collapse in epoch 1") as caught:
        logs = still().fit(X, Y, epochs=2, callbacks=[monitor], verbose=0)
    assert sum("Collapse" in str(w.message) for w in caught) == 1
    assert logs.history["semi_hard_anchors"] == [0.0, 0.0]


def test_without_pairs():
    logs = logs_of(MiningMonitor(X[:5], np.arange(5)))
    assert logs["semi_hard_anchors"] == logs["violated_pairs"] == 0.0


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["ann"] * 20, "`y` must be whole numbers"),
        (Y + 0.5, "`y` must be whole numbers"),
        (Y + 2**31, "`y` must be whole numbers up to 2147483647"),
        (np.eye(20), "`y` must hold one class index"),
        (Y[:7], "for 20 samples"),
    ],
)
def test_labels_that_are_none(y, message):
    monitor = MiningMonitor(X, y)
    monitor.set_model(still())
    with pytest.raises(ValueError, match=message):
        monitor.on_epoch_end(0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"x": X}, "`x` and `y` must be given together"),
        ({"x": X, "y": Y, "margin": -1}, "`margin` must be"),
        ({"x": X, "y": Y, "distance": "l3"}, "`distance` must be one of"),
        ({"x": X, "y": Y, "batch_size": 0}, "`batch_size` must be"),
        ({"x": X, "y": Y, "prefix": 1}, "`prefix` must be a string"),
        ({"x": X, "y": Y, "collapse": -1}, "`collapse` must be"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        MiningMonitor(**options)
