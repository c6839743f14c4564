"""Words in, one line out: what every subcommand has in common."""

import subprocess
import sys
from pathlib import Path

import pytest

from keras_hypersphere import zoo
from keras_hypersphere.tools.cli import SUBCOMMANDS, main
from keras_hypersphere.tools.commands.document import one_line


def cli(*words, **options):
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "keras_hypersphere", *words],
        capture_output=True,
        text=True,
        **options,
    )


def loaded(done):
    """The top-level packages that a run imported (from -X importtime)."""
    lines = [li for li in done.stderr.splitlines() if li.startswith("import ")]
    return {li.rsplit("|", 1)[-1].strip().split(".")[0] for li in lines}


def last_line(text):
    return text.strip().splitlines()[-1]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--help"],
        ["--version"],
        *([name, "--help"] for name in SUBCOMMANDS),
    ],
)
def test_help_answers_without_keras(words):
    done = cli(*words)
    assert done.returncode == 0
    assert done.stdout
    assert not loaded(done) & {"keras", "tensorflow", "numpy", "cv2"}


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-subcommand"],
        ["gallery"],
        ["convert"],
        ["verify", "one.jpg"],
        ["--nonsense"],
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(words):
    done = cli(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    errors = [
        li for li in done.stderr.splitlines() if not li.startswith("import ")
    ]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert "--help" in errors[0]
    assert not loaded(done) & {"keras", "tensorflow", "numpy", "cv2"}


@pytest.mark.parametrize(
    ("words", "prog"),
    [
        (["--nonsense", "models"], "keras-hypersphere"),
        (["models", "--nonsense"], "keras-hypersphere models"),
        (
            ["evaluate", "ytf", "--images", "a", "--pairs", "b", "--nonsense"],
            "keras-hypersphere evaluate ytf",
        ),
    ],
)
def test_unknown_words_name_the_help_that_lists_the_known(words, prog, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        f"error: unrecognized arguments: --nonsense (see `{prog} --help`)\n"
    )


def test_failure_is_one_line_and_exit_1(capsys, tmp_path):
    missing = tmp_path / "missing.jpg"
    assert main(["align", str(missing), "-o", str(tmp_path / "out")]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert last_line(captured.err).startswith("error: ")
    assert "missing.jpg" in last_line(captured.err)
    assert "Traceback" not in captured.err


def test_the_error_is_all_there_is_on_stderr(tmp_path):
    """No notices of TensorFlow before it."""
    words = ["-m", "keras_hypersphere", "convert", "no.prototxt", "-o"]
    done = subprocess.run(
        [sys.executable, *words, str(tmp_path / "out.keras")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "no.prototxt" in done.stderr


def test_a_broken_keras_shows_what_was_said(tmp_path):
    code = (
        "import os, sys; os.environ['KERAS_BACKEND'] = 'nonsense'\n"
        "from keras_hypersphere.tools.cli import main\n"
        "photos = sys.argv[1:]\n"
        "main_words = ['verify', *photos, '--model', 'dlib-resnet']\n"
        "raise SystemExit(main(main_words))"
    )
    folder = Path(zoo.__file__).parent / "samples"
    photos = map(str, sorted(folder.glob("*.[jp]*g")))
    done = subprocess.run(
        [sys.executable, "-c", code, *photos], capture_output=True, text=True
    )
    assert done.returncode == 1
    last = last_line(done.stderr)
    assert last.startswith("error: ")
    assert "nonsense" in last


def test_debug_shows_the_traceback(tmp_path):
    missing = tmp_path / "missing.jpg"
    with pytest.raises(Exception, match=r"missing\.jpg"):
        main(["align", str(missing), "-o", str(tmp_path / "out"), "--debug"])


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("two\n lines"), "two lines"),
        (
            FileNotFoundError(2, "No such file or directory", "a.jpg"),
            "No such file or directory: a.jpg",
        ),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError(), "RuntimeError: "),
    ],
)
def test_errors_become_one_line(error, line):
    assert one_line(error) == line
