import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.tools.training.journal import Journal
from keras_hypersphere.tools.training.log import read_log
from keras_hypersphere.zoo import FaceEmbedder
from tests.tools.training import run_of_patches
from tests.tools.training.patches import make_model

ROOT = Path(__file__).parents[3]
MEASURED = {"photos_per_second", "seconds"}


def test_rows(trained):
    run, made = trained
    rows = read_log(run)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert {
        *("loss", "loss_without_margin", "accuracy", "accuracy_with_margin"),
        *("annealing", "embedding_norm", "embedding_spread", "target_angle"),
        *("val_auc", "val_accuracy", "val_threshold", "val_tar_at_far_0.01"),
        *("learning_rate", "photos_per_second", "seconds"),
    } <= set(rows[0])
    history = made["model"].history.history
    for name, values in history.items():
        assert [row[name] for row in rows] == pytest.approx(values)
    for row in rows:
        # 36 photos an epoch.
        photos = row["photos_per_second"] * row["seconds"]
        assert photos == pytest.approx(36)
        assert row["learning_rate"] == pytest.approx(0.05)
    assert rows[-1]["annealing"] < rows[0]["annealing"]


def test_events(trained):
    run, made = trained
    if importlib.util.find_spec("tensorboard") is None:
        assert "pip install tensorboard" in made["journal"].notes[0]
        pytest.skip("needs tensorboard")
    from tensorboard.backend.event_processing import event_accumulator

    seen = {}
    for part in ("train", "validation"):
        events = event_accumulator.EventAccumulator(
            str(run / "tensorboard" / part)
        )
        events.Reload()
        seen[part] = set(events.Tags()["tensors"])
    assert {"epoch_loss", "epoch_annealing", "epoch_learning_rate"} <= seen[
        "train"
    ]
    assert "epoch_auc" in seen["validation"]


@pytest.mark.slow
def test_learning_rate_of_a_schedule(tmp_path):
    model = make_model(
        rate=keras.optimizers.schedules.PolynomialDecay(0.1, 4, 0.0)
    )
    x = np.random.default_rng(0).random((12, 16, 16, 3), "float32")
    journal = Journal(tmp_path / "run", {}, 12)
    model.fit(
        *(x, np.arange(12) % 6, 6),
        epochs=2,
        shuffle=False,
        verbose=0,
        callbacks=[journal],
    )
    rates = [row["learning_rate"] for row in read_log(tmp_path / "run")]
    assert rates == pytest.approx([0.05, 0.0])


def test_other_models(tmp_path):
    """A model that Keras trains, without a head of ours."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    journal = Journal(tmp_path, {}, 8)
    model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0, callbacks=[journal])
    assert set(read_log(tmp_path)[0]) == {
        *("epoch", "loss", "learning_rate", *MEASURED)
    }


@pytest.mark.slow
def test_skipped_batches_are_not_counted(tmp_path):
    """An epoch that goes on after four of its six batches."""

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                raise InterruptedError

    x = np.random.default_rng(0).random((36, 16, 16, 3), "float32")

    def fit(*more):
        resume = kh.callbacks.ExactResume(tmp_path / "checkpoints", 1)
        journal = Journal(tmp_path / "run", {}, 36, resume)
        model = make_model()
        model.fit(
            *(x, np.arange(36) % 6, 6),
            shuffle=False,
            verbose=0,
            callbacks=[journal, resume, *more],
        )
        return journal

    with pytest.raises(InterruptedError):
        fit(Stop())
    journal = fit()
    assert journal.first_batch == 4
    [row] = read_log(tmp_path / "run")
    assert row["photos_per_second"] * row["seconds"] == pytest.approx(12)


# Moments in which a file is written, after so many calls.
MOMENTS = [("fsync", 3), ("link", 1), ("replace", 9), ("replace", 14)]


@pytest.mark.slow
def test_killed_and_resumed(tmp_path):
    """kill -9 four times: no row twice, none lost, presets always whole."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"

    def program(run, *killed):
        done = subprocess.run(
            [sys.executable, run_of_patches.__file__, run, "5", *killed],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return done.returncode

    assert program(whole) == 0
    for name, call in MOMENTS:
        assert program(broken, str(call), name) == -9, (name, call)
        for preset in ("best", "last"):
            if (broken / preset / "card.json").exists():
                assert FaceEmbedder.from_preset(broken / preset)
    assert program(broken) == 0
    rows, expected = read_log(broken), read_log(whole)
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    for row, other in zip(rows, expected, strict=True):
        assert row.keys() == other.keys()
        for name in row.keys() - MEASURED:
            assert row[name] == pytest.approx(other[name], abs=1e-6), name
    for preset in ("best", "last"):
        one, other = (
            FaceEmbedder.from_preset(run / preset) for run in (whole, broken)
        )
        assert one.card.notes == other.card.notes
        assert one.card.golden_output == pytest.approx(
            other.card.golden_output, abs=1e-5
        )
        assert [path.name for path in (broken / preset).iterdir()] != []
        assert len(list((broken / preset).iterdir())) == 2
