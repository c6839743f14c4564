"""`demo`: one document, whatever its jobs print."""

import json

import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.demo.outcome import Outcome
from keras_hypersphere.version import __version__


@pytest.mark.parametrize("passed", [True, False])
def test_json(passed, tmp_path, capsys, monkeypatch):
    def run(output):
        print("a table")
        return Outcome(passed, (output / "a.png",), {"ratio": 0.5})

    for job in ("faces", "conversion"):
        monkeypatch.setattr(f"keras_hypersphere.tools.demo.{job}.run", run)
    words = ["demo", "-o", str(tmp_path / "made")]
    words += ["--job", "faces", "--job", "conversion"]
    assert main([*words, "--json"]) == (not passed)
    out, err = capsys.readouterr()
    found = json.loads(out)
    for result in found["results"]:
        assert result.pop("seconds") >= 0
    assert found == {
        "command": "demo",
        "version": __version__,
        "results": [
            {
                "job": job,
                "passed": passed,
                "files": [str(tmp_path / "made" / "a.png")],
                "ratio": 0.5,
            }
            for job in ("faces", "conversion")
        ],
        "failures": []
        if passed
        else [
            {"name": job, "error": "it did not show what it claims"}
            for job in ("faces", "conversion")
        ],
        "error": None,
        "advice": [],
    }
    # What people read is not lost, and not in the document.
    assert err.count("a table") == 2
    assert ("error: not shown as claimed: faces, conv" in err) is not passed
    assert main(words) == (not passed)
    assert capsys.readouterr().out.count("a table") == 2
