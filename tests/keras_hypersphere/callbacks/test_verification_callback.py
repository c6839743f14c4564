import csv
import warnings

import keras
import numpy as np
import pytest

from keras_hypersphere.callbacks.verification_callback import (
    VerificationCallback,
)
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.models.headed_model import with_head
from keras_hypersphere.models.margin_model import MarginModel

SOFTMAX = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def ray(degrees):
    angles = np.radians(np.asarray(degrees, "float64"))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")


# Angles of the pairs: same 10, 20, 50; different 40, 80, 90.
LEFT, RIGHT = ray([0, 5, 9, 0, 0, 45]), ray([10, 25, 59, 40, 80, 135])
SAME = np.array([1, 1, 1, 0, 0, 0])
# One error of six at best; eight of nine orders are right; the curve meets
# FAR = FRR at 1/3.
ACCURACY, AUC, EER = 5 / 6, 8 / 9, 1 / 3
X, Y = ray([0, 90, 180, 270]), np.array([0, 1, 0, 1])


def backbone():
    return keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(2, kernel_initializer="identity"),
        ]
    )


def functional():
    image = keras.Input((2,), name="image")
    label = keras.Input((), dtype="int32", optional=True, name="label")
    features = backbone()(image)
    logits = ASoftmax(2)(features, label)
    return keras.Model({"image": image, "label": label}, logits)


def fit(model, *callbacks, loss=None, x=X, epochs=1, rate=0.0):
    # XLA where it is what makes a training fast.
    jit = keras.config.backend() == "jax"
    model.compile(keras.optimizers.SGD(rate), loss, jit_compile=jit)
    return model.fit(
        x, Y, callbacks=list(callbacks), epochs=epochs, verbose=0
    ).history


@pytest.mark.parametrize(
    ("make", "loss", "labelled"),
    [
        (lambda: MarginModel(backbone(), ASoftmax(2)), None, False),
        (lambda: with_head(backbone(), ASoftmax(2)), SOFTMAX, True),
        (functional, SOFTMAX, True),
        (
            lambda: keras.Sequential([backbone(), CosineDense(2)]),
            SOFTMAX,
            False,
        ),
        (backbone, SOFTMAX, False),
    ],
)
def test_numbers_by_hand(make, loss, labelled):
    x = {"image": X, "label": Y} if labelled else X
    callback = VerificationCallback(LEFT, RIGHT, SAME, batch_size=4)
    logs = fit(make(), callback, loss=loss, x=x)
    assert logs["val_verification_accuracy"] == [pytest.approx(ACCURACY)]
    assert logs["val_verification_auc"] == [pytest.approx(AUC)]
    assert logs["val_verification_eer"] == [pytest.approx(EER)]
    assert callback.report.tar_at(0.0) == pytest.approx(2 / 3)


def test_distance_and_folds():
    """Lengths count in Euclidean distances alone."""
    left = np.array([[1, 0], [1, 0], [1, 0], [1, 0]], "float32")
    right = np.array([[1, 0.1], [1, -0.1], [9, 0], [8, 0]], "float32")
    same = [True, True, False, False]
    model = MarginModel(backbone(), ASoftmax(2))
    cosine = VerificationCallback(left, right, same, prefix="cosine_")
    l2 = VerificationCallback(
        left, right, same, distance="l2", folds=[0, 1, 0, 1], prefix="l2_"
    )
    logs = fit(model, cosine, l2)
    assert logs["l2_accuracy"] == [1.0]
    assert logs["l2_auc"] == [1.0]
    # Every different pair has the larger cosine.
    assert logs["cosine_auc"] == [0.0]
    assert len(l2.report.folds) == 2


class Turn(keras.callbacks.Callback):
    """Spoils the backbone in one epoch, restores it in the next."""

    def __init__(self, good):
        super().__init__()
        self.good = good

    def on_epoch_begin(self, epoch, logs=None):
        # All embeddings on one line, or as they were.
        kernel = np.eye(2) if epoch == self.good else np.array([[1, 0], [1, 0]])
        self.model.backbone.layers[0].kernel.assign(kernel)


def test_checkpoints_and_stops(tmp_path):
    callback = VerificationCallback(LEFT, RIGHT, SAME)
    auc = "val_verification_auc"
    best = tmp_path / "best.keras"
    model = MarginModel(backbone(), ASoftmax(2))
    logs = fit(
        model,
        Turn(good=1),
        callback,
        keras.callbacks.ModelCheckpoint(
            best, monitor=auc, mode="max", save_best_only=True
        ),
        keras.callbacks.EarlyStopping(monitor=auc, mode="max", patience=2),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        epochs=9,
    )
    assert logs[auc][1] == pytest.approx(AUC)
    assert logs[auc][1] > max(logs[auc][0], *logs[auc][2:])
    assert len(logs[auc]) == 4
    restored = keras.models.load_model(best)
    np.testing.assert_array_equal(restored.backbone.layers[0].kernel, np.eye(2))
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row[auc]) for row in rows] == pytest.approx(logs[auc])


def test_every(tmp_path):
    callback = VerificationCallback(LEFT, RIGHT, SAME, every=3)
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(
            "val_verification_auc" in logs
        )
    )
    file = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    model = MarginModel(backbone(), ASoftmax(2))
    fit(model, callback, watch, file, epochs=6)
    assert seen == [True, False, False, True, False, True]
    assert "val_verification_auc" in (tmp_path / "log.csv").read_text()


def test_training_moves_the_numbers():
    """The weights of the epoch's end, on every backend."""
    callback = VerificationCallback(LEFT, RIGHT, SAME)
    model = MarginModel(backbone(), ASoftmax(2))
    fit(model, callback, epochs=3, rate=0.5)
    left = model.predict(LEFT, verbose=0).astype("float64")
    right = model.predict(RIGHT, verbose=0).astype("float64")
    cosines = (left * right).sum(1) / np.linalg.norm(left, axis=1)
    cosines /= np.linalg.norm(right, axis=1)
    order = cosines[SAME == 1][:, None] > cosines[SAME == 0][None]
    assert callback.report.auc == pytest.approx(order.mean())


def test_a_training_that_diverges_goes_on():
    """Embeddings overflow: NaN is logged, once warned of, and others act."""
    callback = VerificationCallback(
        LEFT, RIGHT, np.arange(6) % 2, folds=2, distance="l2"
    )
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    loss = keras.losses.MeanSquaredError()
    model.compile(keras.optimizers.SGD(1e38), loss)
    targets = np.ones((4, 2))
    with pytest.warns(UserWarning, match="Training has diverged") as seen:
        logs = model.fit(
            X, targets, epochs=4, callbacks=[callback], verbose=0
        ).history
    # Keras warns of its own on PyTorch.
    ours = [w for w in seen if "has diverged" in str(w.message)]
    assert len(ours) == 1
    for name in ("accuracy", "auc", "eer"):
        assert len(logs[f"val_verification_{name}"]) == 4
        assert np.isnan(logs[f"val_verification_{name}"][-1])
    stops = [callback, keras.callbacks.TerminateOnNaN()]
    with pytest.warns(UserWarning, match="in epoch 1,"):
        logs = model.fit(
            X, targets, epochs=9, callbacks=stops, verbose=0
        ).history
    assert len(logs["val_verification_auc"]) == 1


class FarInInference(keras.layers.Layer):
    """Training itself looks well."""

    def call(self, inputs, training=None):
        return inputs if training else inputs + 1e9


@pytest.mark.parametrize(("offset", "folds"), [(1e4, None), (1e9, 2)])
def test_warns_of_a_collapse_in_inference(offset, folds):
    """Moving statistics that have not moved, and an offset alone."""
    far = [
        keras.layers.Rescaling(1.0, offset=offset),
        keras.layers.BatchNormalization(momentum=1.0),
    ]
    if offset == 1e9:
        far = [keras.layers.Dense(2), FarInInference()]
    model = keras.Sequential([keras.Input((2,)), *far])
    same = np.arange(6) % 2
    callback = VerificationCallback(LEFT, RIGHT, same, folds=folds)
    with pytest.warns(UserWarning) as caught:
        logs = fit(model, callback, loss=SOFTMAX, epochs=2)
    texts = [str(w.message) for w in caught]
    ours = [text for text in texts if "Collapse in epoch 1: in inf" in text]
    assert len(ours) == 1 and "BatchNormalization" in ours[0]
    assert not any("All 6 scores" in text for text in texts)
    # At 1e9 float32 holds the offset alone.
    assert ("`val_verification_auc` is 0.5" in ours[0]) == (offset == 1e9)
    if offset == 1e9:
        assert logs["val_verification_auc"] == [0.5, 0.5]
        with pytest.warns(UserWarning, match="All 6 scores are one"):
            callback.measure()


@pytest.mark.parametrize(
    ("distance", "value", "collapse"),
    [("cosine", 0.0, 0.1), ("l2", 0.0, 0.1), ("l2", 1.0, 0.0)],
)
def test_collapse_of_zeros_and_without_a_limit(distance, value, collapse):
    photos = np.full((6, 2), value, "float32")
    callback = VerificationCallback(
        photos, photos, SAME, distance=distance, collapse=collapse
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        logs = fit(backbone(), callback, loss=SOFTMAX)
    told = any("Collapse" in str(w.message) for w in caught)
    assert told == (collapse > 0)
    assert logs["val_verification_auc"] == [0.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"same": [1, 1, 1, 1, 1, 1]}, "`same`"),
        ({"folds": 7}, "`folds` must be a whole number from 2 .*pairs, 6"),
        ({"folds": [0, 1]}, "one fold for each of the 6 pairs"),
        ({"folds": 2}, "training pairs of fold 1 must hold pairs of both"),
        ({"same": [1, 0]}, "`left` must hold one photo for each of the 2"),
        ({"right": RIGHT[:4]}, "`right` must hold one photo"),
        ({"every": 0}, "`every` must be an integer, at least 1"),
        ({"batch_size": 1.5}, "`batch_size` must be an integer"),
        ({"distance": "angle"}, "distance"),
        ({"prefix": None}, "`prefix` must be a string"),
        ({"collapse": -1}, "`collapse` must be"),
    ],
)
def test_errors(arguments, message):
    arguments = {"left": LEFT, "right": RIGHT, "same": SAME, **arguments}
    with pytest.raises(ValueError, match=message):
        VerificationCallback(**arguments)


def test_images_as_embeddings_are_refused():
    model = keras.Sequential([keras.Input((2, 2)), keras.layers.Identity()])
    photos = np.zeros((2, 2, 2), "float32")
    callback = VerificationCallback(photos, photos, [1, 0])
    callback.set_model(model)
    with pytest.raises(ValueError, match="one embedding"):
        callback.measure()


def test_pairs_of_images_are_those_of_two_sides():
    photos = np.concatenate([LEFT, RIGHT])
    pairs = np.stack([np.arange(6), 6 + np.arange(6)], axis=1)
    indexed = VerificationCallback(
        images=photos, pairs=pairs, same=SAME, prefix="a_", far=(0.5, 0.0)
    )
    sides = VerificationCallback(LEFT, RIGHT, SAME, prefix="b_", far=(0.5, 0.0))
    logs = fit(MarginModel(backbone(), ASoftmax(2)), indexed, sides)
    names = ("accuracy", "auc", "eer", "tar_at_far_0.5", "tar_at_far_0")
    for name in names:
        assert logs[f"a_{name}"] == logs[f"b_{name}"]
    # One different pair at 40 degrees comes before the same one at 50.
    assert logs["a_tar_at_far_0.5"] == [1.0]
    assert logs["a_tar_at_far_0"] == [pytest.approx(2 / 3)]


def test_each_photo_is_embedded_once(monkeypatch):
    pairs = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    callback = VerificationCallback(images=X, pairs=pairs, same=SAME)
    model = backbone()
    callback.set_model(model)
    seen, predict = [], model.predict

    def counted(photos, **options):
        seen.append(len(photos))
        return predict(photos, **options)

    monkeypatch.setattr(model, "predict", counted)
    assert callback.measure().thresholds.size > 2
    assert seen == [len(X)]


def test_folds_have_a_tar_too():
    callback = VerificationCallback(
        LEFT, RIGHT, SAME, folds=[0, 1, 0, 1, 0, 1], far=0.5
    )
    logs = fit(MarginModel(backbone(), ASoftmax(2)), callback)
    assert logs["val_verification_tar_at_far_0.5"] == [1.0]
    assert "val_verification_tar_at_far_0.01" not in logs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`left` and `right` must be given.*none of them"),
        ({"left": LEFT}, "`left` and `right` must be given.*left"),
        ({"images": X, "left": X, "right": X}, "must be given, or `images`"),
        ({"images": X, "pairs": [[0, 1]]}, "`pairs` must hold two indices"),
        ({"images": X, "pairs": [[0, 1.5]] * 6}, "`pairs` must hold two"),
        ({"images": X, "pairs": [[0, 4]] * 6}, r"`pairs`.*\[0, 4\).*: 4"),
        ({"images": X, "pairs": [[0, -1]] * 6}, r"`pairs`.*\[0, 4\).*: -1"),
        ({"left": LEFT, "right": RIGHT, "far": 1.0}, "`far` must be rates"),
        ({"left": LEFT, "right": RIGHT, "far": "1 %"}, "`far` must"),
    ],
)
def test_errors_of_pairs_and_rates(arguments, message):
    with pytest.raises(ValueError, match=message):
        VerificationCallback(same=SAME, **arguments)
