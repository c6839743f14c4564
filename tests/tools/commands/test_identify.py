"""`identify`: names, nobody, every face, JSON; mostly without a network."""

import json
from pathlib import Path

import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.version import __version__
from keras_hypersphere.zoo import Gallery, images
from keras_hypersphere.zoo.faces.photo_embedder import PhotoEmbedder
from tests.zoo.faces.stand_in import RATES, StandIn, write_photo

SAMPLES = Path(images.__file__).parent / "samples"


@pytest.fixture
def stand_in(monkeypatch):
    asked = []

    def from_preset(cls, preset, runtime="auto", detector="yunet"):
        asked.append((preset, runtime))
        return StandIn(rates=RATES)

    monkeypatch.setattr(PhotoEmbedder, "from_preset", classmethod(from_preset))
    return asked


@pytest.fixture
def people(tmp_path):
    for name in ("Ann", "Bob", "Cid"):
        write_photo(tmp_path / "people" / name / "1.jpg", name, 1)
    return tmp_path / "people"


@pytest.fixture
def photos(tmp_path):
    two = tmp_path / "two.jpg"
    two.write_text("Bob 3\nDan 4\n")
    return {
        "ann": str(write_photo(tmp_path / "ann.jpg", "Ann", 2)),
        "dan": str(write_photo(tmp_path / "dan.jpg", "Dan", 2)),
        "two": str(two),
        "bad": str(write_photo(tmp_path / "bad.jpg", "")),
    }


@pytest.fixture
def file(people, stand_in):
    path = people.parent / "g.npz"
    Gallery.from_folder(StandIn(rates=RATES), people).save(path)
    return str(path)


def test_a_line_a_photo(capsys, photos, file):
    words = ["identify", photos["ann"], photos["dan"], "--gallery", file]
    assert main(words) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{photos['ann']}: Ann  distance 0.")
    assert second.startswith(f"{photos['dan']}: nobody  nearest ")
    assert first.split("threshold ")[1] == second.split("threshold ")[1]


def test_every_face(capsys, photos, file):
    assert main(["identify", photos["two"], "--gallery", file, "--all"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{photos['two']} [1 2 3 4]: Bob")
    assert second.startswith(f"{photos['two']} [1 2 3 4]: nobody")


def test_json(capsys, photos, file):
    words = ["identify", photos["two"], photos["bad"], "--gallery", file]
    assert main([*words, "--json", "--all", "--top-k", "2"]) == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["command"], document["version"]) == (
        "identify",
        __version__,
    )
    assert [each["person"] for each in document["results"]] == ["Bob", None]
    assert [len(each["matches"]) for each in document["results"]] == [2, 2]
    [failure] = document["failures"]
    assert failure["name"] == photos["bad"]
    assert said.err.splitlines()[-1] == (
        "error: 1 of 2 photos were left out, see above"
    )


def test_rates_and_top_k(capsys, photos, file):
    thresholds = []
    for rate in ("0.001", "0.01", "0.1"):
        words = ["identify", photos["ann"], "--gallery", file, "--top-k", "2"]
        assert main([*words, "--false-identification-rate", rate]) == 0
        first, *more = capsys.readouterr().out.splitlines()
        thresholds.append(float(first.split("threshold ")[1]))
        assert [line.split()[0] for line in more] == ["1.", "2."]
    assert thresholds == sorted(set(thresholds))


def test_a_folder_of_people(capsys, photos, people, stand_in):
    write_photo(people / "Cid" / "2.jpg", "")
    words = ["identify", photos["ann"], "--gallery", str(people)]
    assert main([*words, "--runtime", "keras"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{photos['ann']}: Ann")
    assert "skipped: No face was found" in said.err
    assert len(stand_in) == 1 and stand_in[0][1] == "keras"
    main([*words, "--model", "mine"])
    assert stand_in[1][0] == "mine"


@pytest.mark.parametrize(
    "words",
    [
        ["--top-k", "0"],
        ["--top-k", "2.5"],
        ["--false-identification-rate", "0"],
        ["--false-identification-rate", "1"],
        ["--false-identification-rate", "nan"],
        ["--choose", "best"],
    ],
)
def test_wrong_usage(capsys, photos, file, words):
    with pytest.raises(SystemExit) as stop:
        main(["identify", photos["ann"], "--gallery", file, *words])
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_what_is_missing_is_told_before_a_model_is_loaded(
    capsys, photos, file, tmp_path, stand_in
):
    no = str(tmp_path / "no.jpg")
    broken = tmp_path / "broken.npz"
    broken.write_bytes(b"PK\x03\x04 and no more")
    for words, message in (
        ([no, "--gallery", file], f"There is no photo '{no}'"),
        ([photos["ann"], "--gallery", no], f"There is no gallery '{no}'"),
        ([photos["ann"], "--gallery", str(broken)], "or damaged"),
    ):
        assert main(["identify", *words]) == 1
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert said.err.startswith("error: ") and message in said.err
    assert stand_in == []


def test_portraits(capsys, tmp_path):
    """A real network, from photos to names."""
    for name in ("eileen_collins.png", "grace_hopper.jpg"):
        path = tmp_path / name
        path.write_bytes((SAMPLES / name).read_bytes())
    hopper = str(SAMPLES / "grace_hopper.jpg")
    words = ["identify", hopper, "--gallery", str(tmp_path), "--json"]
    assert main(words) == 0
    [answer] = json.loads(capsys.readouterr().out)["results"]
    assert answer["person"] == "grace_hopper"
    assert answer["matches"][1]["distance"] > answer["threshold"]
