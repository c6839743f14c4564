"""Processes that train together are told so by their environment."""

import keras
import pytest

from keras_hypersphere.tools import cli
from keras_hypersphere.tools.training.process_group import (
    ADDRESSES,
    COUNT,
    INDEX,
    join_processes,
)

WORKERS = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {}}'
FIRST = "10.0.0.1:8476"


@pytest.mark.parametrize(
    ("name", "value"),
    [("WORLD_SIZE", "2"), ("TF_CONFIG", WORKERS), ("SLURM_NTASKS", "2")],
)
def test_processes_that_keras_does_not_know(
    name, value, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("SLURM_PROCID", "0")
    monkeypatch.setenv(name, value)
    run = tmp_path / "run"
    assert cli.main(["train", str(tmp_path), "-o", str(run)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert f"{name} says that there are 2" in line and COUNT in line
    assert not run.exists()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({COUNT: "two"}, f"{COUNT} must be the number of"),
        ({COUNT: "0"}, f"{COUNT} must be the number of"),
        ({COUNT: "3", ADDRESSES: "a:1, b:1"}, "names 2 processes.* are 3"),
        ({COUNT: "2", INDEX: "2", ADDRESSES: FIRST}, f"{INDEX} must.* 0 to 1"),
        ({COUNT: "2", ADDRESSES: FIRST}, f"{INDEX} must.*Received: ''"),
        ({COUNT: "2", INDEX: "1"}, f"{ADDRESSES} must be the address"),
    ],
)
def test_variables_that_are_not_whole(environment, said, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(ValueError, match=said) as caught:
        join_processes(environment)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "environment",
    [{COUNT: "2", ADDRESSES: FIRST, INDEX: "0"}, {ADDRESSES: f"{FIRST},b:1"}],
)
def test_only_jax_has_processes(environment, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    with pytest.raises(ValueError, match=r"2 processes: Keras .*BACKEND=jax"):
        join_processes(environment)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WORLD_SIZE": "1", COUNT: "1"},
        {"WORLD_SIZE": "", "TF_CONFIG": ""},
        {"TF_CONFIG": '{"cluster": {"worker": ["a:1"]}}'},
        {"TF_CONFIG": "no JSON"},
        {ADDRESSES: FIRST},
        {"SLURM_NTASKS": "1", "SLURM_PROCID": "0"},
        # A shell of `salloc`: no task.
        {"SLURM_NTASKS": "4"},
    ],
)
def test_one_alone_joins_nobody(environment):
    join_processes(environment)
