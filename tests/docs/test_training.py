"""The blocks of docs/training.md run when they are copied, few epochs long."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere import recipes
from keras_hypersphere.tools.cli import build_parser
from tests.tools.commands.conftest import PEOPLE, SAMPLES

PAGE = Path(__file__).parents[2] / "docs" / "training.md"
TEXT = PAGE.read_text()
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = re.findall(r"^keras-hypersphere (.*)$", TEXT, re.MULTILINE)


def test_every_command_is_one():
    assert len(COMMANDS) == 5
    for command in COMMANDS:
        build_parser().parse_args(shlex.split(command))


def test_every_recipe_is_in_the_table():

    named = re.findall(r"^\| `(\w+)` \| [A-Z]", TEXT, re.MULTILINE)
    assert sorted(named) == recipes.list()


def test_python_is_short():
    assert len(PYTHON[0].strip().splitlines()) < 20


def test_a_recipe_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(PYTHON[1], str(PAGE), "exec"), {})
    recipe = recipes.get("mine.json")
    assert recipe.make_head(3).margins == (1.0, 0.3, 0.2)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """`people/` with six, made of the two of the samples."""
    place = tmp_path_factory.mktemp("place")
    for name, file in PEOPLE.items():
        image = cv2.imread(str(SAMPLES / file))
        for kind in range(3):
            folder = place / "people" / f"{name} {kind}"
            folder.mkdir(parents=True)
            for number in range(4):
                tinted = image * np.roll([1.0, 0.8, 0.6], kind)
                dark = (tinted * (1 - 0.1 * number)).astype(np.uint8)
                cv2.imwrite(str(folder / f"{number}.jpg"), dark)
    return place


def run(code, place, before=""):
    done = subprocess.run(
        [sys.executable, "-c", before + code],
        cwd=place,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.mark.slow
def test_the_command_and_the_same_in_python(place):
    command = COMMANDS[0].replace("--epochs 20", "--epochs 1")
    words = shlex.split(command.replace("--batch-size 64", "--batch-size 8"))
    run(
        "import sys; from keras_hypersphere.tools.cli import main; "
        f"sys.exit(main({words!r}))",
        place,
    )
    code = PYTHON[0].replace("epochs=20", "epochs=1")
    code = code.replace("batch_size=64", "batch_size=8")
    run(code, place)
    assert (place / "network.keras").exists()
    resumed = shlex.split(COMMANDS[1])
    done = run(
        "import sys; from keras_hypersphere.tools.cli import main; "
        f"sys.exit(main({resumed!r}))",
        place,
    )
    assert "all 1 epochs are done already" in done.stderr


@pytest.mark.slow
@pytest.mark.only_on("tensorflow", reason="MirroredStrategy")
def test_the_same_code_on_two_replicas(place):
    """Indented under `scope()`, and nothing else."""
    if not (place / "run" / "cache" / "faces.rec").exists():
        test_the_command_and_the_same_in_python(place)
    code = PYTHON[0].replace("epochs=20", "epochs=1")
    code = code.replace("batch_size=64", "batch_size=8")
    code = code.replace("run-in-python", "run-on-two")
    indented = "".join(f"    {line}\n" for line in code.splitlines())
    before = (
        "from keras_hypersphere.backend import logical_cpus\n"
        "logical_cpus.split_cpu(2)\n"
        "with logical_cpus.mirrored_cpus(2).scope():\n"
    )
    run(indented, place, before)
    assert (place / "run-on-two" / "training-state.npz").exists()
