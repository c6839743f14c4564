import pytest

from keras_hypersphere.tools import cli
from keras_hypersphere.tools.training.one_process import require_one_process

WORKERS = '{"cluster": {"worker": ["a:1", "b:1"]}, "task": {}}'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KERAS_DISTRIBUTION_NUM_PROCESSES", "2"),
        ("WORLD_SIZE", "2"),
        ("TF_CONFIG", WORKERS),
        ("KERAS_DISTRIBUTION_JOB_ADDRESSES", "10.0.0.1:8476, 10.0.0.2:8476"),
        ("SLURM_NTASKS", "2"),
    ],
)
def test_one_of_several_trains_nothing(
    name, value, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("SLURM_PROCID", "0")
    monkeypatch.setenv(name, value)
    run = tmp_path / "run"
    assert cli.main(["train", str(tmp_path), "-o", str(run)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert f"{name} says that there are 2" in line
    assert not run.exists()


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"WORLD_SIZE": "1", "KERAS_DISTRIBUTION_NUM_PROCESSES": "1"},
        {"WORLD_SIZE": "", "TF_CONFIG": ""},
        {"TF_CONFIG": '{"cluster": {"worker": ["a:1"]}}'},
        {"TF_CONFIG": "no JSON"},
        {"KERAS_DISTRIBUTION_JOB_ADDRESSES": "10.0.0.1:8476"},
        {"SLURM_NTASKS": "1", "SLURM_PROCID": "0"},
        # A shell of `salloc`: no task.
        {"SLURM_NTASKS": "4"},
    ],
)
def test_one_alone_does(environment):
    require_one_process(environment)
