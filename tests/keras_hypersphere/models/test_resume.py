import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.models.headed_model import with_head
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing

CLASSES = 5
GO_ON = """
import sys, keras, numpy as np, keras_hypersphere
_, model, data, out = sys.argv
model, data = keras.models.load_model(model), np.load(data)
model.fit(data["x"], data["y"], batch_size=8, shuffle=False, verbose=0)
model.save_weights(out)
"""


def backbone():
    return keras.Sequential([keras.Input((8,)), keras.layers.Dense(6)])


def make(head):
    keras.utils.set_random_seed(0)
    model = MarginModel(backbone(), head())
    model.compile(keras.optimizers.Adam(0.05))
    return model


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(32, 8)).astype("float32"), np.arange(32) % CLASSES


def annealed():
    annealing = LambdaAnnealing(base=5.0, gamma=0.5, power=1.0, minimum=0.1)
    return [CenterLoss(CLASSES), ASoftmax(CLASSES, annealing=annealing)]


def adaptive():
    return AgentContrastive(CLASSES, adaptive_margin=True)


@pytest.mark.slow
@pytest.mark.parametrize("head", [annealed, adaptive])
def test_interrupted_training_ends_at_the_same_weights(data, head, tmp_path):
    """Saved half way, loaded and continued by another process."""
    x, y = data
    whole, half = make(head), make(head)
    options = {"batch_size": 8, "shuffle": False, "verbose": 0}
    whole.fit(x, y, epochs=2, **options)
    half.fit(x, y, epochs=1, **options)
    half.save(tmp_path / "half.keras")
    np.savez(tmp_path / "data.npz", x=x, y=y)
    names = ("half.keras", "data.npz", "out.weights.h5")
    files = [str(tmp_path / name) for name in names]
    done = subprocess.run(
        [sys.executable, "-c", GO_ON, *files],
        env={**os.environ, "KERAS_BACKEND": keras.backend.backend()},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    half.load_weights(files[-1])
    for a, b in zip(whole.weights, half.weights, strict=True):
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(a),
            keras.ops.convert_to_numpy(b),
            rtol=1e-5,
            atol=1e-6,
            err_msg=a.path,
        )
    pairs = zip(
        whole.optimizer.variables, half.optimizer.variables, strict=True
    )
    for a, b in pairs:
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(a),
            keras.ops.convert_to_numpy(b),
            rtol=1e-4,
            atol=1e-6,
            err_msg=a.path,
        )


def test_the_margin_follows_updates_not_batches(data):
    """Batches that are accumulated are one: all have the same lambda."""
    x, y = data
    model = MarginModel(backbone(), ASoftmax(CLASSES))
    logged = []
    seen = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda _, logs: logged.append(logs["annealing"])
    )
    options = {"batch_size": 8, "verbose": 0, "callbacks": [seen]}
    model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    model.fit(x, y, **options)
    schedule = model.head.annealing
    wanted = [schedule(1), schedule(1), schedule(2), schedule(2)]
    assert logged == pytest.approx(wanted, rel=1e-6)
    model.compile(keras.optimizers.SGD(0.1))
    assert float(model.head.annealing_now()) == pytest.approx(schedule(4))


def test_the_step_counts_training_calls_with_labels(data):
    x, y = data
    model = MarginModel(backbone(), ASoftmax(CLASSES))
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(x, y, batch_size=8, verbose=0)
    assert int(model.head.annealing_step) == 4
    # Neither evaluation nor calls without labels count.
    model.evaluate(x, y, verbose=0)
    model.predict(x, verbose=0)
    features = model.backbone(x)
    with pytest.warns(UserWarning, match="without labels"):
        model.head(features, training=True)
    assert int(model.head.annealing_step) == 4
    for _ in range(2):
        model.head(features, y, training=True)
    assert int(model.head.annealing_step) == 6


def functional(head):
    image = keras.Input((8,), name="image")
    label = keras.Input((), dtype="int32", optional=True, name="label")
    logits = head(backbone()(image), label)
    return keras.Model({"image": image, "label": label}, logits)


@pytest.mark.parametrize(
    "policy",
    ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("way", ["margin_model", "with_head", "functional"])
def test_large_classes_under_half_policies(data, policy, way):
    """Class 65,537 learns; 65,536, its neighbor in half types, does not."""
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    try:
        head = AMSoftmax(65_600, scale=8.0)
        if way == "margin_model":
            model = MarginModel(backbone(), head)
        elif way == "with_head":
            model = with_head(backbone(), head)
        else:
            model = functional(head)
        x, y = data[0][:2], np.array([2_049, 65_537])
        before = keras.ops.convert_to_numpy(head.kernel).copy()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(1.0), loss)
        inputs = x if way == "margin_model" else {"image": x, "label": y}
        # Keras skips the first steps, until its loss scale is low enough.
        model.fit(inputs, y, epochs=6, verbose=0)
        moved = keras.ops.convert_to_numpy(head.kernel) - before
        lengths = np.linalg.norm(moved, axis=0)
        assert sorted(np.argsort(lengths)[-2:]) == y.tolist()
    finally:
        keras.config.set_dtype_policy("float32")
