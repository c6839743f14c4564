"""A training that is broken off and goes on, next to one that is not."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.callbacks.exact_resume import ExactResume

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


@pytest.mark.slow
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


def test_weights_that_are_no_numbers_replace_no_state(tmp_path):
    model = make_model()
    resume = ExactResume(tmp_path)
    resume.set_model(model)
    model.optimizer.build(model.trainable_variables)
    resume.save(1, 0, {})
    state = resume.path.read_bytes()
    weight = model.trainable_variables[0]
    weight.assign(keras.ops.full(weight.shape, float("nan")))
    with pytest.warns(UserWarning, match="keeps the last state"):
        resume.save(2, 0, {})
    assert resume.path.read_bytes() == state


@pytest.mark.parametrize("save_freq", [0, -1, 1.5, True, "batch", None])
def test_save_freq(save_freq):
    with pytest.raises(ValueError, match="`save_freq` must be"):
        ExactResume("run", save_freq)


PROGRAM = """
import os, signal, sys
import numpy as np
sys.path.insert(0, {here!r})
import test_exact_resume as t

seed, name, left = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
own = getattr(os, name, None)

def killed(*arguments, **options):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return own(*arguments, **options)

if own is not None:
    setattr(os, name, killed)
model = t.make_model(seed)
t.train(model, t.ExactResume({folder!r}, 1), epochs=8)
np.savez({out!r}, *model.get_weights())
"""
# A state is written, flushed to the disk, renamed, and its folder flushed.
MOMENTS = [("fsync", 3), ("replace", 5), ("fsync", 14), ("fsync", 9)]


@pytest.mark.slow
def test_killed_while_it_saves(tmp_path):
    """kill -9 at a call of the system, four times."""
    folder, out = tmp_path / "run", tmp_path / "weights.npz"
    program = PROGRAM.format(
        here=str(Path(__file__).parent), folder=str(folder), out=str(out)
    )
    # The first begins as the unbroken training does.
    for seed, (call, count) in enumerate([*MOMENTS, ("none", 0)], start=3):
        done = subprocess.run(
            [sys.executable, "-c", program, str(seed), call, str(count)]
        )
        wanted = -signal.SIGKILL if count else 0
        assert done.returncode == wanted, (call, count)
    model = make_model()
    train(model, epochs=8)
    with np.load(out) as found:
        assert_same(model, [found[name] for name in found.files])
