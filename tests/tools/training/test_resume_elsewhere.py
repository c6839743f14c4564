"""`train --resume` on each backend, and on another number of devices."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.callbacks.training_state import TrainingState
from tests.tools.training.tiny import make_people, make_preset, make_recipe

ROOT = Path(__file__).parents[3]
# Of five batches an epoch and three epochs: behind a checkpoint in the second.
KILLED = 8
pytestmark = [
    pytest.mark.slow,
    pytest.mark.only_on("tensorflow", reason="it starts backends itself"),
]


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    make_people(folder / "people")
    for name, normalized in (("exact", True), ("plain", False)):
        preset = make_preset(folder / f"{name}-preset", normalized)
        # Sums in another order part ways where rates are large.
        rate = 0.1 if normalized else 0.01
        make_recipe(
            folder / f"{name}.json", preset, batch_size=12, learning_rate=rate
        )
    return folder


def train(backend, given, run, recipe, devices=1, killed=0, *more):
    """Trains in a process; returns what it said."""
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m"),
            "tests.tools.training.train_killed",
            *(str(killed), str(devices)),
            *("train", str(given / "people"), "-o", str(run), "--aligned"),
            *("--recipe", str(given / f"{recipe}.json"), *more),
        ],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=300,
    )
    wanted = -signal.SIGKILL if killed else 0
    assert done.returncode == wanted, done.stderr[-3000:]
    return done.stderr


def state(run):
    read = TrainingState.read(run / "checkpoints" / "training-state.npz")
    return {
        name: value
        for name, value in read.arrays.items()
        if name.split("/")[0] in ("model", "optimizer", "seed")
    }


def assert_same(run, other, rtol, atol):
    ours, wanted = state(run), state(other)
    assert set(ours) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(ours[name], value, rtol, atol, err_msg=name)


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_killed_and_resumed_is_the_unbroken_training(backend, given, tmp_path):
    pytest.importorskip(backend)
    train(backend, given, tmp_path / "unbroken", "exact")
    train(backend, given, tmp_path / "run", "exact", 1, KILLED)
    said = train(backend, given, tmp_path / "run", "exact", 1, 0, "--resume")
    assert "goes on at epoch 2" in said
    assert_same(tmp_path / "run", tmp_path / "unbroken", 1e-6, 1e-6)


@pytest.mark.parametrize("backend", ["jax", "tensorflow"])
def test_other_devices_go_on(backend, given, tmp_path):
    """The whole batch is the same, and so is the training."""
    pytest.importorskip(backend)
    train(backend, given, tmp_path / "unbroken", "plain")
    for before, after in ((1, 2), (2, 1)):
        run = tmp_path / f"from {before}"
        train(backend, given, run, "plain", before, KILLED)
        said = train(backend, given, run, "plain", after, 0, "--resume")
        assert "goes on at epoch 2" in said
        assert_same(run, tmp_path / "unbroken", 1e-4, 1e-5)
