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
    ],
)
def test_one_of_several_trains_nothing(
    name, value, tmp_path, monkeypatch, capsys
):
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
    ],
)
def test_one_alone_does(environment):
    require_one_process(environment)
