"""The first screen of the README is run as it stands."""

import re
import shlex
from pathlib import Path

import pytest

from keras_hypersphere.tools.cli import main

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(
    r"```(\w+)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
)
PYTHON = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    line
    for language, text in BLOCKS
    if language == "sh"
    for line in text.splitlines()
    if line.startswith("keras-hypersphere ")
]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A folder that looks like the root of a clone."""
    for name in ("zoo", "tools"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_is_something_to_run():
    assert len(PYTHON) >= 2
    assert len(COMMANDS) >= 1


@pytest.mark.parametrize("code", PYTHON)
def test_python(code, clone, capsys):
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    printed = capsys.readouterr().out
    # A comment behind `print` says what appears.
    for said in re.findall(r"print\(.*\)\s+# (.*)", code):
        assert said in printed


@pytest.mark.parametrize("command", COMMANDS)
def test_commands(command, clone, capsys):
    words = shlex.split(command, comments=True)
    assert main(words[1:]) == 0
    assert capsys.readouterr().out
