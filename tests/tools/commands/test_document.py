import json
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.tools import cli
from keras_hypersphere.tools.commands.document import ManyFailures, document
from keras_hypersphere.tools.commands.evaluate import SETS
from keras_hypersphere.tools.commands.gallery import ACTIONS
from keras_hypersphere.version import __version__


def test_the_schema():
    results = [
        {
            "path": Path("a/b"),
            "numbers": np.arange(2, dtype=np.float32),
            "one": np.float32(0.5),
            "unknown": float("nan"),
            "far": [np.inf, None],
            "yes": np.bool_(True),
            "pair": (1, "x"),
        }
    ]
    assert json.loads(document("verify", results, {"c.jpg": "why"})) == {
        "command": "verify",
        "version": __version__,
        "results": [
            {
                "path": "a/b",
                "numbers": [0.0, 1.0],
                "one": 0.5,
                "unknown": None,
                "far": [None, None],
                "yes": True,
                "pair": [1, "x"],
            }
        ],
        "failures": [{"name": "c.jpg", "error": "why"}],
        "error": None,
        "advice": [],
    }


@pytest.mark.parametrize(
    ("error", "said", "failures"),
    [
        (ValueError("two\nlines"), "two lines", []),
        (KeyError("k"), "KeyError: 'k'", []),
        (KeyboardInterrupt("half"), "interrupted: half", []),
        (ManyFailures("all", {"a": "b"}), "all", [{"name": "a", "error": "b"}]),
    ],
)
def test_the_document_of_an_error(capsys, monkeypatch, error, said, failures):
    def fail(arguments):
        raise error

    monkeypatch.setattr("keras_hypersphere.tools.commands.models.run", fail)
    assert cli.main(["models", "--json"]) == 1
    out, err = capsys.readouterr()
    assert err == f"error: {said}\n"
    assert json.loads(out) == {
        "command": "models",
        "version": __version__,
        "results": [],
        "failures": failures,
        "error": said,
        "advice": [],
    }
    assert cli.main(["models"]) == 1
    assert capsys.readouterr().out == ""


WORDS = [
    *((name,) for name in cli.SUBCOMMANDS),
    *(("gallery", name) for name in ACTIONS),
    *(("evaluate", name) for name in SETS),
]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_wrong_words_give_a_document_too(capsys, words):
    """Of every subcommand; `--json` is an option of all."""
    with pytest.raises(SystemExit) as stop:
        cli.main([*words, "--json", "--no-such-word"])
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert err == f"error: {found['error']}\n" and "--help" in err
    assert found == {
        "command": " ".join(words),
        "version": __version__,
        "results": [],
        "failures": [],
        "error": found["error"],
        "advice": [],
    }


def test_no_subcommand(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--json"])
    assert json.loads(capsys.readouterr().out)["command"] is None


def test_errors_of_two_words(capsys, tmp_path):
    for words in (
        ["gallery", "list", str(tmp_path / "no.npz")],
        ["evaluate", "lfw", "--images", "no", "--pairs", "no.txt"],
    ):
        assert cli.main([*words, "--json"]) == 1
        found = json.loads(capsys.readouterr().out)
        assert found["command"] == " ".join(words[:2]) and found["error"]


def test_the_page_names_every_command():
    page = (Path(__file__).parents[3] / "docs" / "json.md").read_text()
    alone = set(cli.SUBCOMMANDS) - {"gallery", "evaluate"}
    for name in {*alone, *(f"gallery {each}" for each in ACTIONS)}:
        assert f"| `{name}` |" in page, name
    assert "| `evaluate lfw`, " in page
