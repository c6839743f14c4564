"""The training of one device, on several, and in several processes."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_hypersphere.callbacks.training_state import TrainingState
from keras_hypersphere.tools.training.devices import several_devices
from tests.tools.training.tiny import make_people, make_preset, make_recipe

ROOT = Path(__file__).parents[3]
SHARDED, WHOLE = 1, 10**6


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    make_people(folder / "people")
    preset = make_preset(folder / "preset")
    # Sums in another order part ways where gradients are clipped and rates
    # are large.
    make_recipe(folder / "tiny.json", preset, batch_size=20, learning_rate=0.01)
    return folder


def train(backend, given, run, devices, sharded_from=WHOLE, *more):
    """What was said."""
    done = subprocess.run(
        [
            *(sys.executable, "-W", "ignore", "-m"),
            "tests.tools.training.train_on_devices",
            *(str(max(devices, 2)), str(sharded_from), "train"),
            *(str(given / "people"), "-o", str(run), "--aligned"),
            *("--recipe", str(given / "tiny.json")),
            *("--devices", str(devices), *more),
        ],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert not done.returncode, done.stderr[-3000:]
    return done.stderr


def start(given, run, index, port, sharded_from, *more, **environment):
    """One of two processes of JAX, with a device each."""
    return subprocess.Popen(
        [
            *(sys.executable, "-W", "ignore", "-m"),
            "tests.tools.training.train_on_devices",
            *("1", str(sharded_from), "train", str(given / "people")),
            *("-o", str(run), "--aligned", "--recipe"),
            *(str(given / "tiny.json"), *more),
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}",
            "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
            "KERAS_DISTRIBUTION_PROCESS_ID": str(index),
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(*processes):
    """Exit status, stdout and stderr of each."""
    said = [process.communicate(timeout=500) for process in processes]
    codes = [process.returncode for process in processes]
    return [(code, *words) for code, words in zip(codes, said, strict=True)]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def weights(run):
    state = TrainingState.read(run / "checkpoints" / "training-state.npz")
    found = {
        name: value
        for name, value in state.arrays.items()
        if name.split("/")[0] in ("model", "optimizer")
    }
    for group, shapes in state.about.get("sharded", {}).items():
        parts = in_one_piece(state.folder / group, shapes)
        found |= {f"{group}/{i}": value for i, value in parts.items()}
    return found


def in_one_piece(folder, shapes):
    """What devices have parts of, on the one device of this process."""
    import jax
    import orbax.checkpoint

    here = jax.sharding.SingleDeviceSharding(jax.devices("cpu")[0])
    wanted = {
        name: jax.ShapeDtypeStruct(tuple(shape), "float32", sharding=here)
        for name, shape in shapes.items()
    }
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        read = checkpointer.restore(folder.absolute(), wanted)
    return {name: np.asarray(value) for name, value in read.items()}


def assert_same_weights(run, other):
    ours, wanted = weights(run), weights(other)
    assert set(ours) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(ours[name], value, 1e-4, 1e-5, err_msg=name)


@pytest.fixture(scope="module")
def one(given):
    """A training on one device of JAX."""
    pytest.importorskip("jax")
    train("jax", given, given / "one", 1)
    return given / "one"


@pytest.mark.slow
@pytest.mark.only_on("tensorflow", reason="it starts JAX itself")
@pytest.mark.parametrize(
    ("sharded_from", "said"),
    [
        (WHOLE, "each takes 10 photos, and each has the whole head"),
        (SHARDED, "each takes 10 photos, and each has 5 classes of the head"),
    ],
)
def test_two_devices_of_jax_are_one(one, given, tmp_path, sharded_from, said):
    told = train("jax", given, tmp_path / "two", 2, sharded_from)
    assert f"2 devices: {said}" in told
    assert_same_weights(tmp_path / "two", one)


@pytest.mark.slow
@pytest.mark.only_on("tensorflow", reason="it starts JAX itself")
def test_two_processes_are_one_device(one, given, tmp_path):
    run, port = tmp_path / "run", free_port()
    first, second = ended(
        start(given, run, 0, port, SHARDED),
        start(given, run, 1, port, SHARDED, DIES_AT_BATCH="5"),
    )
    assert (first[0], second[0]) == (1, -signal.SIGKILL), second[2]
    told = "2 devices of 2 processes: each takes 10 photos, and each has"
    assert f"{told} 5 classes of the head" in first[2]
    assert "epoch 1/3" in first[2] and "epoch 2/3" not in first[2]
    assert (
        first[2]
        .splitlines()[-1]
        .startswith(
            "error: This process cannot go on. If another one has ended, start "
        )
    )
    # All again, and they go on; how the head is laid out may change.
    port = free_port()
    first, second = ended(
        start(given, run, 0, port, WHOLE, "--resume"),
        start(given, run, 1, port, WHOLE, "--resume"),
    )
    assert (first[0], second[0]) == (0, 0), first[2][-3000:] + second[2]
    assert f"{told} the whole head" in first[2]
    assert "epoch 3/3" in first[2] and "epoch 1/3" not in first[2]
    assert f"{run / 'best'}: the best network" in first[1]
    assert second[1] == "" and "epoch" not in second[2]
    assert_same_weights(run, one)
    rows = (run / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", *"123"]
    for name in ("best", "last", "index.html"):
        assert (run / name).exists()


@pytest.mark.slow
@pytest.mark.only_on("tensorflow", reason="it starts TensorFlow itself")
def test_two_replicas_of_tensorflow_train(given, tmp_path):
    """Each has batch statistics of its own, so weights are not one device's."""
    said = train("tensorflow", given, tmp_path / "two", 2)
    assert "2 devices: each takes 10 photos" in said
    assert "epoch 3/3" in said
    assert all(np.isfinite(v).all() for v in weights(tmp_path / "two").values())


@pytest.mark.parametrize(
    ("count", "batch", "said"),
    [(999, 999, "sees"), (2, 15, "a multiple of 2 photos. Received: 15")],
)
def test_what_is_not_there_is_told(count, batch, said, monkeypatch):
    from keras_hypersphere.tools.training import devices

    if keras.backend.backend() == "torch":
        said = "Keras trains on one device on torch"
    elif count == 2:
        monkeypatch.setattr(devices, "device_names", lambda _: ["a", "b"])
    with (
        pytest.raises(ValueError, match=said) as caught,
        several_devices(count, batch, 10, lambda _: None, print),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_gradients_that_parts_would_clip_are_refused(monkeypatch):
    from keras_hypersphere import recipes
    from keras_hypersphere.tools.training import devices

    fields = {"optimizer": "AdamW", "optimizer_arguments": {}}
    recipe = dataclasses.replace(recipes.get("arcface"), **fields)
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(ValueError, match="AdamW clips the gradient of each"):
        devices.require_whole_clipping(2, recipe)
    devices.require_whole_clipping(1, recipe)
    devices.require_whole_clipping(2, recipes.get("arcface"))
