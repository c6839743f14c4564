"""`gallery`: build, update, add, remove, list, without a network."""

import json
import warnings

import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.zoo import Gallery
from keras_hypersphere.zoo.faces.photo_embedder import PhotoEmbedder
from tests.zoo.faces.stand_in import RATES, StandIn, vector, write_photo


@pytest.fixture(autouse=True)
def stand_in(monkeypatch):
    def from_preset(cls, preset, runtime="auto", detector="yunet"):
        return StandIn(rates=RATES)

    monkeypatch.setattr(PhotoEmbedder, "from_preset", classmethod(from_preset))


@pytest.fixture
def people(tmp_path):
    for name in ("Ann", "Bob"):
        for move in "ab":
            write_photo(tmp_path / "people" / name / f"{move}.jpg", name, move)
    return tmp_path / "people"


@pytest.fixture
def file(people, tmp_path, capsys):
    path = str(tmp_path / "g.npz")
    assert main(["gallery", "build", str(people), "-o", path]) == 0
    assert capsys.readouterr().out == (
        f"4 photos added; 2 people, 4 photos in {path}\n"
    )
    return path


def listed(path, capsys):
    assert main(["gallery", "list", path, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["results"][0]


def test_list(file, capsys, people):
    found = listed(file, capsys)
    assert [each["name"] for each in found["names"]] == ["Ann", "Bob"]
    assert found["names"][1]["photos"] == [
        str(people / "Bob" / f"{move}.jpg") for move in "ab"
    ]
    assert found["threshold"] == pytest.approx(
        Gallery.load(file, StandIn(rates=RATES)).threshold()
    )
    assert found["alike"] == []
    assert main(["gallery", "list", file]) == 0
    first, second, last = capsys.readouterr().out.splitlines()
    assert (first.split(), second.split()) == (["Ann", "2"], ["Bob", "2"])
    assert last.endswith(f"threshold {found['threshold']:.4f}")


def test_add_and_remove(file, capsys, tmp_path):
    good = str(write_photo(tmp_path / "1.jpg", "Cid"))
    bad = str(write_photo(tmp_path / "2.jpg", ""))
    before = listed(file, capsys)["threshold"]
    assert main(["gallery", "add", file, "Cid", good, bad, "--json"]) == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["command"] == "gallery add"
    assert document["results"][0]["added"] == [good]
    assert [each["name"] for each in document["failures"]] == [bad]
    assert document["results"][0]["threshold"] < before
    assert main(["gallery", "remove", file, "Cid"]) == 0
    assert capsys.readouterr().out.startswith("1 photos removed; 2 people")
    with open(file, "rb") as stored:
        assert vector("Cid", "0").tobytes() not in stored.read()
    assert listed(file, capsys)["threshold"] == pytest.approx(before)


def test_update(file, capsys, people):
    (people / "Ann" / "a.jpg").unlink()
    write_photo(people / "Cid" / "a.jpg", "Cid")
    assert main(["gallery", "update", file, str(people)]) == 0
    assert capsys.readouterr().out.startswith(
        "1 photos added, 1 photos removed; 3 people, 4 photos in "
    )
    assert main(["gallery", "update", file, str(people)]) == 0
    assert capsys.readouterr().out.startswith("nothing changed; 3 people")


def test_one_person_with_two_names_is_noted(file, capsys, people):
    write_photo(people / "Robert" / "1.jpg", "Bob", "a")
    assert main(["gallery", "update", file, str(people)]) == 0
    note = "note: Bob and Robert look like one person (distance "
    assert note in capsys.readouterr().err
    [alike] = listed(file, capsys)["alike"]
    assert alike["names"] == ["Bob", "Robert"]


def test_errors_are_one_line_and_change_nothing(file, capsys, tmp_path):
    with open(file, "rb") as stored:
        before = stored.read()
    bad = str(write_photo(tmp_path / "2.jpg", ""))
    no = str(tmp_path / "no")
    for words, message in (
        (["remove", file, "bob"], "Did you mean 'Bob'?"),
        (["add", file, "Cid", bad], "No photo of 'Cid' has a face"),
        (["add", file, "", bad], "`name` must be a person's name"),
        (["update", file, no], "There is no folder"),
        (["list", f"{no}.npz"], "There is no gallery"),
        (["build", no, "-o", file], "There is no folder"),
        (["build", no, "-o", f"{no}/g.npz"], "to write 'g.npz' into"),
    ):
        assert main(["gallery", *words]) == 1
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert said.err.startswith("error: ") and message in said.err
    with open(file, "rb") as stored:
        assert stored.read() == before


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["rename"],
        ["build", "people"],
        ["build", "people", "-o", "g.txt"],
        ["build", "people", "-o", "g.npz", "--choose", "all"],
        ["list", "g.txt"],
        ["add", "g.npz", "Ann"],
        ["list", "g.npz", "--wrong"],
    ],
)
def test_wrong_usage(capsys, words):
    with pytest.raises(SystemExit) as stop:
        main(["gallery", *words])
    assert stop.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")


def test_debug_shows_tracebacks_after_the_action(file):
    with pytest.raises(ValueError, match="must be a person"):
        main(["gallery", "remove", file, "Cid", "--debug"])


def test_index(people, tmp_path, capsys):
    """It is kept in the file; another takes its place; bad ones are said."""
    pytest.importorskip("faiss")
    path = str(tmp_path / "i.npz")
    build = ["gallery", "build", str(people), "-o", path, "--index"]
    assert main([*build, "HNSW32"]) != 0
    assert "cannot remove rows" in capsys.readouterr().err
    assert main([*build, "Flat"]) == 0
    assert Gallery.load(path, StandIn(rates=RATES)).index == "Flat"
    assert (tmp_path / "i.npz.index").is_file()
    capsys.readouterr()
    photo = str(people / "Ann" / "a.jpg")
    identify = ["identify", photo, "--gallery", path, "--json"]
    answers = []
    for more in ([], ["--index", "exact"], ["--index", "faiss"]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert main([*identify, *more]) == 0
        answers.append(json.loads(capsys.readouterr().out)["results"])
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0]["person"] == "Ann"
    assert main(["gallery", "remove", path, "Bob", "--index", "exact"]) == 0
    assert Gallery.load(path, StandIn(rates=RATES)).index == "exact"
    assert not (tmp_path / "i.npz.index").exists()
