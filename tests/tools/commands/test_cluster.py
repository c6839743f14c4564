"""`cluster`: groups in a file or in folders, without a network."""

import json

import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.zoo import FaceEmbedder
from keras_hypersphere.zoo.faces.open_set import grouping_threshold
from tests.zoo.faces.stand_in import RATES, StandIn, card, write_photo


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    def from_preset(cls, preset, runtime="auto", detector="yunet"):
        return StandIn(rates=RATES)

    monkeypatch.setattr(FaceEmbedder, "from_preset", classmethod(from_preset))


@pytest.fixture
def photos(tmp_path):
    """Three people in two folders, with names that both folders have."""
    for place, name, move in (
        ("x/1.jpg", "Ann", 1),
        ("x/2.jpg", "Bob", 1),
        ("y/1.jpg", "Ann", 2),
        ("y/2.jpg", "Ann", 3),
        ("y/3.jpg", "Cid", 1),
    ):
        write_photo(tmp_path / "photos" / place, name, move)
    (tmp_path / "photos" / "y" / "4.jpg").write_text("Bob 5\nCid 5\n")
    return tmp_path / "photos"


def test_json_file(capsys, photos, tmp_path):
    out = tmp_path / "out.json"
    assert main(["cluster", str(photos), "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"3 groups of 6 faces in {out}, 1 of them of one")
    document = json.loads(out.read_text())
    assert document["command"] == "cluster" and document["failures"] == []
    groups = [
        [face["photo"] for face in group]
        for group in document["results"][0]["groups"]
    ]
    assert groups == [
        [str(photos / each) for each in ("x/1.jpg", "y/1.jpg", "y/2.jpg")],
        [str(photos / each) for each in ("x/2.jpg", "y/4.jpg")],
        [str(photos / "y/3.jpg")],
    ]
    wanted = grouping_threshold(card(rates=RATES), 6, 0.01)
    assert document["results"][0]["threshold"] == wanted


def test_folders(capsys, photos, tmp_path):
    write_photo(photos / "bad.jpg", "")
    out = tmp_path / "out"
    words = ["cluster", str(photos), "-o", str(out), "--all", "--json"]
    assert main(words) == 1
    document = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in document["failures"]] == [
        str(photos / "bad.jpg")
    ]
    found = {
        folder.name: sorted(photo.name for photo in folder.iterdir())
        for folder in out.iterdir()
    }
    assert found == {
        "person-1": ["1-2.jpg", "1.jpg", "2.jpg"],
        "person-2": ["2.jpg", "4.jpg"],
        "person-3": ["3.jpg", "4.jpg"],
    }
    # Groups of another run are not mixed with them.
    assert main(words) == 1
    assert "is not empty" in capsys.readouterr().err


def test_threshold(capsys, photos, tmp_path):
    out = str(tmp_path / "out.json")
    for threshold, groups in (("0.001", 6), ("1.9", 1)):
        words = ["cluster", str(photos), "-o", out, "--threshold", threshold]
        assert main(words) == 0
        assert capsys.readouterr().out.startswith(f"{groups} groups")
    for wrong in ("0", "-1", "nan", "inf", "near"):
        with pytest.raises(SystemExit) as stop:
            main(["cluster", str(photos), "-o", out, "--threshold", wrong])
        assert stop.value.code == 2


def test_errors(capsys, photos, tmp_path):
    bad = str(write_photo(tmp_path / "bad.jpg", ""))
    for words, message in (
        ([bad, "-o", str(tmp_path / "o.json")], "No face was found"),
        ([bad, "-o", str(tmp_path / "no" / "o.json")], "There is no folder"),
        ([bad, "-o", str(tmp_path / "no" / "out")], "There is no folder"),
    ):
        assert main(["cluster", *words]) == 1
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert message in said.err
    assert not (tmp_path / "o.json").exists()


def test_copies_do_not_lie_among_the_photos(capsys, photos):
    """A later run would group the copies too."""
    for out in (photos / "groups", photos / "x" / ".." / "groups"):
        assert main(["cluster", str(photos), "-o", str(out)]) == 1
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert "Name a folder outside of it." in said.err
    assert not (photos / "groups").exists()
    out = photos / "groups.json"
    assert main(["cluster", str(photos), "-o", str(out)]) == 0
