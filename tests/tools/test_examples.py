"""Every help ends with examples that are commands; words are completed."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from keras_hypersphere.tools.cli import build_parser, main
from keras_hypersphere.tools.examples import EXAMPLES, walk

DOCS = Path(__file__).parents[2] / "docs"


def test_every_help_ends_with_two_examples_and_a_guide():
    parser = build_parser()
    found = dict(walk(parser))
    assert set(found) == set(EXAMPLES)
    for words, each in found.items():
        text = each.format_help()
        _, end = text.split("\nexamples:\n")
        lines = re.findall(r"^  keras-hypersphere (.+)$", end, re.M)
        assert len(lines) == 2, words
        for line in lines:
            assert line.startswith(words), line
            parser.parse_args(shlex.split(line))
        [page] = re.findall(r"^guide: docs/(\S+) of the repository$", end, re.M)
        assert (DOCS / page).is_file()


def test_completion_knows_every_command_and_option(capsys):
    pytest.importorskip("shtab")
    with pytest.raises(SystemExit) as stop:
        main(["--print-completion", "bash"])
    assert stop.value.code == 0
    script = capsys.readouterr().out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    known = re.findall(r"^_shtab_(\w+)_option_strings=\((.*)\)$", script, re.M)
    options = {place: shlex.split(found) for place, found in known}
    for words, each in walk(build_parser()):
        place = re.sub(r"\W", "_", f"keras-hypersphere {words}".strip())
        wanted = [o for action in each._actions for o in action.option_strings]
        assert sorted(options[place]) == sorted(wanted), words


def test_completion_says_what_it_needs(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    with pytest.raises(SystemExit):
        main(["--print-completion", "bash"])
    assert "pip install shtab" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["embd", "a.jpg"], "embed"),
        (["gallery", "bild"], "build"),
        (["verify", "a.jpg", "b.jpg", "--runtime", "opencvv"], "opencv"),
    ],
)
def test_a_misspelt_word(words, meant, capsys):
    with pytest.raises(SystemExit):
        main(words)
    assert f"; did you mean '{meant}'? (see" in capsys.readouterr().err


def test_a_word_like_no_other(capsys):
    with pytest.raises(SystemExit):
        main(["xyzzy"])
    assert "did you mean" not in capsys.readouterr().err
