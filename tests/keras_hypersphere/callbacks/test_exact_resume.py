"""A training that is broken off and goes on, next to one that is not."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.callbacks.exact_resume import FILE, ExactResume

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(6), 12))
IMAGES = np.random.default_rng(1).random((len(LABELS), 8, 8, 1), "float32")
EPOCHS, STEPS = 4, 6


def make_batches():
    return kh.data.BalancedBatches(
        labels=LABELS, classes_per_batch=3, samples_per_class=4, load=IMAGES,
        seed=0,
    )  # fmt: skip


def make_model(seed=3):
    """Augmentation, dropout, batch statistics, λ, momentum, EMA, schedule."""
    keras.utils.set_random_seed(seed)
    backbone = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.RandomFlip("horizontal"),
            keras.layers.Conv2D(4, 3, strides=2),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(5),
        ]
    )
    model = kh.models.MarginModel(
        backbone, [kh.layers.CenterLoss(6), kh.layers.ASoftmax(6)]
    )
    model.compile(
        keras.optimizers.SGD(
            keras.optimizers.schedules.CosineDecay(0.05, 100),
            momentum=0.9,
            use_ema=True,
            ema_momentum=0.9,
        ),
        jit_compile=keras.config.backend() == "jax",
    )
    return model


class StopAt(keras.callbacks.Callback):
    """Breaks a training off after a batch."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.at, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


def train(model, *callbacks, epochs=EPOCHS):
    batches = make_batches()
    assert len(batches) == STEPS
    return model.fit(
        batches,
        epochs=epochs,
        callbacks=[batches.follow(), *callbacks],
        verbose=0,
    )


@pytest.fixture(scope="module")
def unbroken():
    model = make_model()
    history = train(model)
    return model.get_weights(), history.history


def assert_same(model, weights):
    for ours, wanted in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, wanted)


def test_broken_off_twice(unbroken, tmp_path, capsys):
    weights, history = unbroken
    with pytest.raises(KeyboardInterrupt):
        train(make_model(), ExactResume(tmp_path, 2), StopAt(1, 4))
    random.seed(0)
    np.random.seed(0)
    with pytest.raises(KeyboardInterrupt):
        train(make_model(9), ExactResume(tmp_path, 2), StopAt(2, 0))
    assert "goes on at epoch 2, after 4 of its batches" in (
        capsys.readouterr().err
    )
    model = make_model(17)
    found = train(model, ExactResume(tmp_path, 2))
    assert "goes on at epoch 3, after 0" in capsys.readouterr().err
    assert_same(model, weights)
    # The logs of an epoch that was broken off are those of the whole epoch.
    for name, values in found.history.items():
        np.testing.assert_allclose(values, history[name][2:], rtol=1e-6)


def test_within_an_epoch(unbroken, tmp_path):
    weights, history = unbroken
    with pytest.raises(KeyboardInterrupt):
        train(make_model(), ExactResume(tmp_path, 1), StopAt(2, 3))
    model = make_model(9)
    found = train(model, ExactResume(tmp_path, 1))
    assert_same(model, weights)
    for name, values in found.history.items():
        np.testing.assert_allclose(values, history[name][2:], rtol=1e-6)


def test_a_training_that_is_done(unbroken, tmp_path):
    train(make_model(), ExactResume(tmp_path), epochs=2)
    model = make_model(9)
    with pytest.warns(UserWarning, match="nothing is left to train"):
        train(model, ExactResume(tmp_path), epochs=2)
    # More epochs: the average of the first two was not trained on.
    model = make_model(10)
    train(model, ExactResume(tmp_path))
    assert_same(model, unbroken[0])


def test_other_callbacks(tmp_path):
    def early():
        return keras.callbacks.EarlyStopping(
            "loss", patience=7, restore_best_weights=True
        )

    first = early()
    train(make_model(), first, ExactResume(tmp_path, also=[first]), epochs=3)
    first.wait = 5
    second = early()
    model = make_model()
    resume = ExactResume(tmp_path, also=[second])
    with pytest.raises(KeyboardInterrupt):
        train(model, second, resume, StopAt(3, 0))
    assert second.best == first.best and second.wait < 3
    for ours, wanted in zip(
        second.best_weights, first.best_weights, strict=True
    ):
        np.testing.assert_array_equal(ours, wanted)


def test_another_model(tmp_path):
    train(make_model(), ExactResume(tmp_path), epochs=1)
    other = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    other.add(keras.layers.Dense(6))
    other.compile("sgd", "mse")
    x, y = IMAGES, np.zeros((len(IMAGES), 6), "f4")
    with pytest.raises(ValueError, match="is the training of another model"):
        other.fit(x, y, callbacks=[ExactResume(tmp_path)], verbose=0)


@pytest.mark.parametrize("save_freq", [0, -1, 1.5, True, "batch", None])
def test_save_freq(save_freq):
    with pytest.raises(ValueError, match="`save_freq` must be"):
        ExactResume("run", save_freq)


PROGRAM = """
import sys
import numpy as np
sys.path.insert(0, {here!r})
import test_exact_resume as t
model = t.make_model(int(sys.argv[1]))
t.train(model, t.ExactResume({folder!r}, 1), epochs=30)
np.savez({out!r}, *model.get_weights())
"""


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path):
    """kill -9 six times, mostly while a state is written."""
    folder, out = tmp_path / "run", tmp_path / "weights.npz"
    program = PROGRAM.format(
        here=str(Path(__file__).parent), folder=str(folder), out=str(out)
    )
    kills, times = 0, np.random.default_rng(5).uniform(0, 2, 6)
    # The first begins as the unbroken training does.
    for seed in range(3, 23):
        worker = subprocess.Popen([sys.executable, "-c", program, str(seed)])
        before = (folder / FILE).stat().st_mtime if folder.exists() else 0
        while worker.poll() is None and kills < len(times):
            if (folder / FILE).exists() and (
                (folder / FILE).stat().st_mtime > before
            ):
                time.sleep(times[kills])
                os.kill(worker.pid, signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.01)
        if worker.wait() == 0:
            break
    assert kills == len(times) and out.exists()
    assert not list(folder.glob(".*.part")) or (folder / FILE).exists()
    model = make_model()
    train(model, epochs=30)
    with np.load(out) as found:
        assert_same(model, [found[name] for name in found.files])
