import json
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.tools import cli
from keras_hypersphere.tools.commands.document import ManyFailures, document
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
