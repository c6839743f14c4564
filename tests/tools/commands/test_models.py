import dataclasses
import json
import re
import subprocess
import sys

import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.zoo import get_card, list_models

UNFINISHED = "To be converted from the authors' file, once; "


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "models" / "keras_hypersphere"
    folder.mkdir(parents=True)
    return folder


def listed(out):
    """Names by the title of their group."""
    groups, title = {}, None
    for line in out.splitlines():
        if line.startswith("  "):
            groups[title].append(line.split()[0])
        else:
            title = line
            groups[title] = []
    return groups


def test_two_groups(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    ready, needed = listed(out).values()
    titles = list(listed(out))
    assert titles[0] == "Ready:" and titles[1].startswith(UNFINISHED)
    assert ready == ["sface", "dlib-resnet"] and "sphereface20" in needed
    assert ready + needed == list_models()
    assert "miniature" not in out
    line = next(x for x in out.splitlines() if "dlib-resnet " in x)
    assert line.split()[1:] and "CC0 1.0  11.3 MB  98." in line


def test_one_model_shows_its_card(capsys):
    assert main(["models", "dlib-resnet"]) == 0
    out = capsys.readouterr().out
    card = get_card("dlib-resnet")
    for value in (card.source_sha256, card.weights_sha256, card.licence_url):
        assert value in out
    assert "0.9938" in out and re.search(r"^threshold +0\.6$", out, re.M)
    assert re.search("^source_identified +yes$", out, re.M)
    assert "128 numbers (see --json)" in out and "run once" not in out


def test_an_unfinished_card_says_what_to_do(capsys):
    assert main(["models", "sphereface20"]) == 0
    out = capsys.readouterr().out
    card = get_card("sphereface20")
    assert out.endswith(f"then run once:\n  {card.weights_command}\n")
    assert card.source_url in out and card.licence_url in out
    for field in ("weights_sha256", "source_git_blob", "threshold"):
        assert re.search(f"^{field} +not known$", out, re.M)
    assert re.search("^classes +10572$", out, re.M)
    assert re.search("^source_identified +no$", out, re.M)


def test_a_converted_model_is_ready(cache, capsys):
    card = dataclasses.replace(get_card("dlib-resnet"), name="sphereface20")
    card.save(cache / "sphereface20.json")
    assert main(["models", "[ds]*"]) == 0
    out = capsys.readouterr().out
    assert listed(out)["Ready:"] == [
        "sface",
        "dlib-resnet",
        "sphereface20",
    ]
    assert "not identified" not in out


def test_a_model_of_a_file_that_was_not_identified(cache, capsys):
    card = dataclasses.replace(
        get_card("dlib-resnet"), name="sphereface20", source_identified=False
    )
    card.save(cache / "sphereface20.json")
    assert main(["models", "sphere*20"]) == 0
    assert re.search("^source_identified +no$", capsys.readouterr().out, re.M)
    assert main(["models", "[ds]*"]) == 0
    assert "original file not identified  " in capsys.readouterr().out


def test_json(capsys):
    assert main(["models", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["command"] == "models"
    assert document["failures"] == [] and document["error"] is None
    cards = document["results"]
    assert [card["name"] for card in cards] == list_models()
    for card in cards:
        assert card == get_card(card["name"]).as_dict()


def test_a_broken_card_of_the_user_hides_no_other(cache, capsys):
    (cache / "broken.json").write_text("{")
    assert main(["models", "[bd]*"]) == 1
    out, err = capsys.readouterr()
    assert "dlib-resnet" in out and "broken" not in out
    assert err.startswith("warning: ") and "broken.json' is invalid" in err
    assert main(["models", "[bd]*", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [card["name"] for card in document["results"]] == ["dlib-resnet"]
    [failure] = document["failures"]
    assert failure["name"] == "broken" and "is invalid" in failure["error"]
    assert document["error"] is None
    assert main(["models", "broken"]) == 1
    assert capsys.readouterr().err.startswith("error: The card ")


def test_where_only_broken_cards_fit(cache, capsys):
    for name in ("bad", "broken"):
        (cache / f"{name}.json").write_text("[]")
    assert main(["models", "b*"]) == 1
    said = capsys.readouterr()
    *warnings, last = said.err.splitlines()
    assert len(warnings) == 2 and said.out == ""
    assert last.startswith("error: No card that fits the pattern 'b*' can be")
    assert main(["models", "b*", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    failed = [failure["name"] for failure in document["failures"]]
    assert (document["results"], failed) == ([], ["bad", "broken"])
    assert document["error"] == last.removeprefix("error: ")


def test_what_is_no_file_hides_nothing(cache, capsys):
    """A folder, a link to nothing, a result in words."""
    (cache / "folder.json").mkdir()
    (cache / "link.json").symlink_to("/nothing")
    (cache / "sphereface20.json").mkdir()
    card = get_card("dlib-resnet").as_dict()
    card["name"], card["measured"][0]["value"] = "words", "98 %"
    (cache / "words.json").write_text(json.dumps(card))
    assert main(["models"]) == 1
    out, err = capsys.readouterr()
    assert "dlib-resnet" in out and "  sphereface20 " in out
    lines = err.splitlines()
    assert len(lines) == 4 and all("is invalid" in line for line in lines)
    assert "value of measured" in lines[-1] and "'98 %'" in lines[-1]
    assert main(["models", "sphereface20"]) == 1
    out, err = capsys.readouterr()
    assert err.startswith("warning: ") and "source_file" in out


def test_unknown_pattern(capsys):
    assert main(["models", "zzz"]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert said.err.startswith(
        "error: No model fits the pattern 'zzz'. The zoo has: "
    )
    assert "dlib-resnet, " in said.err


def test_without_keras():
    """Names and cards are there at once."""
    script = (
        "import sys; from keras_hypersphere.tools.cli import main; "
        "main(['models']); main(['models', 'sphereface20', '--json']); "
        "sys.exit(bool({'keras', 'cv2', 'tensorflow', 'numpy'} & "
        "set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert done.returncode == 0, done.stderr
