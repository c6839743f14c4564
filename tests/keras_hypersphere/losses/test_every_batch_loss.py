"""What all losses of class ids and embeddings have in common."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere import addons, losses
from tests.keras_hypersphere.backends import compiled

LOSSES = {
    "semi-hard": losses.TripletLoss(2.0, fallback="largest"),
    "hard": losses.TripletLoss(mining="hard", distance="l2"),
    "all": losses.TripletLoss(mining="all", distance="cosine"),
    "harmonic": losses.HarmonicTripletLoss(mining="hard"),
    "pairs": losses.PairContrastiveLoss(margin=2.0),
    "multi-similarity": losses.MultiSimilarityLoss(epsilon=0.1),
    "circle": losses.CircleLoss(),
    "supervised": losses.SupervisedContrastiveLoss(),
    "addons hard": addons.losses.TripletHardLoss(),
    "addons semi-hard": addons.losses.TripletSemiHardLoss(),
    "addons lifted": addons.losses.LiftedStructLoss(),
    "addons n-pairs": addons.losses.NpairsLoss(),
}
# Compiling takes seconds; how labels come in is the same for all.
QUICK = ("hard", "pairs", "addons hard")
# Those of TensorFlow Addons mine as the first ones do.
EVERY = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow)
        if name.startswith("addons")
        else name
        for name in LOSSES
    ],
)
X = np.array(
    [[0.1, 0.2, 1, 1], [1, 0.1, 0, 1], [0.2, 1, 1, 2], [1, 1, 1, 0.5]],
    "float32",
)
LABELS = np.array([0, 0, 1, 1])


@EVERY
def test_neighbors_among_large_ids_are_two_classes(name):
    """Keras's own call casts labels to float32, which is exact to 2^24."""
    loss = LOSSES[name]
    wanted = float(loss(LABELS, X))
    assert wanted != float(loss(np.zeros(4, int), X))
    for first in (2**24, 2**31 - 2):
        ids = first + LABELS
        for found in (
            loss(ids, X),
            loss(ops.convert_to_tensor(ids.astype("int32")), X),
            ops.mean(loss.call(ids.tolist(), X)),
        ):
            assert float(found) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("name", QUICK)
def test_so_they_are_in_fit_and_evaluate(name):
    loss = LOSSES[name]
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.compile(keras.optimizers.SGD(0.0), loss)
    wanted = float(loss(LABELS, model(X)))
    ids = 2**31 - 2 + LABELS
    [trained] = model.fit(X, ids, verbose=0).history["loss"]
    evaluated = model.evaluate(X, ids, verbose=0)
    assert trained == pytest.approx(wanted, rel=1e-5)
    assert evaluated == pytest.approx(wanted, rel=1e-5)


@EVERY
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_nan(name, bad):
    """Training that diverged must not look finished, whatever the row."""
    for row in range(4):
        x = X.copy()
        x[row, row] = bad
        assert np.isnan(float(LOSSES[name](LABELS, x)))


@EVERY
def test_floats_that_merge_ids_are_refused(name):
    loss = LOSSES[name]
    ids = (2**24 + LABELS).astype("float32")
    with pytest.raises(ValueError, match=r"16777216.*Received.*pass int"):
        loss(ids, X)
    if name in QUICK and keras.backend.backend() != "torch":
        assert np.isnan(float(compiled(loss)(ops.convert_to_tensor(ids), X)))


@EVERY
def test_no_rows_are_zero(name):
    loss = LOSSES[name]
    none = np.zeros((0, 0 if "n-pairs" in name else 4), "float32")
    assert float(loss(LABELS[:0], none)) == 0
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        of_any_size = tf.function(
            lambda y, x: loss(y, x),
            input_signature=[
                tf.TensorSpec((None,), tf.int32),
                tf.TensorSpec((None, None if "n-pairs" in name else 4)),
            ],
        )
        assert float(of_any_size(LABELS[:0].astype("int32"), none)) == 0
