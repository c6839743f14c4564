import argparse
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.commands.align import TEMPLATES as KNOWN
from keras_hypersphere.tools.commands.align import add_arguments
from keras_hypersphere.tools.crop_names import crop_name, plan
from keras_hypersphere.version import __version__
from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.alignment import TEMPLATES, align, detect
from keras_hypersphere.zoo.faces.photo_list import name_photos

SAMPLES = Path(images.__file__).parent / "samples"
COLLINS = SAMPLES / "eileen_collins.png"


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("template", "size"),
    [
        ("sphereface", (112, 96)),
        ("arcface", (112, 112)),
        ("lightcnn", (128, 128)),
        ("facenet", (160, 160)),
    ],
)
def test_folder(capsys, tmp_path, template, size):
    photos, out = tmp_path / "photos", tmp_path / "crops"
    (photos / "sub").mkdir(parents=True)
    (photos / "sub" / "a.png").write_bytes(COLLINS.read_bytes())
    (photos / "broken.jpg").write_bytes(b"broken")
    words = ["align", str(photos), "-o", str(out), "--template", template]
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.out == f"1 crop of {size[0]} x {size[1]} pixels in {out}\n"
    assert said.err.splitlines()[-1].startswith("error: 1 of 2 photos")
    files = sorted(p for p in out.rglob("*") if p.is_file())
    assert files == [out / "crops.jsonl", out / "sub" / "a.png"]
    crop = images.read(files[1])
    assert crop.shape == (*size, 3)
    # Her skin is in the middle: red above green above blue.
    middle = crop[size[0] * 2 // 5 : size[0] * 2 // 3, 40 : size[1] - 40]
    red, green, blue = middle.reshape(-1, 3).mean(axis=0)
    assert red > green > blue > 60


def test_an_unknown_template_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["align", str(COLLINS), "-o", "out", "--template", "me"])
    assert stop.value.code == 2
    last = capsys.readouterr().err
    assert "--template" in last and "'me'" in last and "lightcnn144" in last
    assert set(KNOWN) == set(TEMPLATES)


def test_help_names_every_template():
    """In words: to look would take OpenCV, and help answers without it."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    words = " ".join(parser.format_help().split())
    for name, template in TEMPLATES.items():
        height, width = template.size
        assert f"{name} ({height}x{width})" in words


def test_an_unreadable_photo_stops_nobody(capsys, tmp_path):
    """In the order of the photos, each as when it is alone."""
    for name in ("a.png", "c.png"):
        (tmp_path / name).write_bytes(COLLINS.read_bytes())
    blank = np.full((90, 90, 3), 90, np.uint8)
    assert cv2.imwrite(str(tmp_path / "b.png"), blank)
    (tmp_path / "d.jpg").write_bytes(b"no photo")
    out = tmp_path / "out"
    assert main(["align", str(tmp_path), "-o", str(out)]) == 1
    assert names_in(out) == ["a.png", "c.png", "crops.jsonl"]
    skipped = [
        line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("skipped: ")
    ]
    assert len(skipped) == 2
    assert "No face was found in" in skipped[0] and "b.png" in skipped[0]
    assert "d.jpg' cannot be read as a photo" in skipped[1]


def test_no_crop_replaces_a_photo(capsys, tmp_path):
    photo = tmp_path / "a.png"
    photo.write_bytes(COLLINS.read_bytes())
    assert main(["align", str(photo), "-o", str(tmp_path)]) == 1
    assert "would replace the photo" in capsys.readouterr().err
    assert photo.read_bytes() == COLLINS.read_bytes()


def planned(words, out):
    """The crops' places in the output folder, by those of the photos."""
    return {
        str(photo): target.relative_to(out).as_posix()
        for photo, target in plan([str(word) for word in words], out).items()
    }


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def test_names_do_not_depend_on_other_photos(tmp_path):
    out, folder = tmp_path / "out", tmp_path / "x"
    touch(folder, "b.jpg", "sub/c.JPEG")
    before = planned([folder], out)
    assert list(before.values()) == ["b.jpg.png", "sub/c.JPEG.png"]
    touch(folder, "a.jpg", "b.png", "b.jpeg", "b.jpg.png", "sub/a.webp")
    after = planned([folder], out)
    assert before.items() <= after.items()
    assert len(set(after.values())) == len(after) == 7
    # A photo on its own, too.
    photo = str(folder / "b.jpg")
    assert planned([photo], out) == {photo: "b.jpg.png"}


def test_several_folders_are_kept(tmp_path):
    out = tmp_path / "out"
    touch(tmp_path, "x/a.jpg", "y/a.jpg", "p/y/a.jpg", "p/y/b/c.png")
    x, y, deep = tmp_path / "x", tmp_path / "y", tmp_path / "p" / "y"
    assert list(planned([x, y], out).values()) == [
        "x/a.jpg.png",
        "y/a.jpg.png",
    ]
    assert list(planned([x / "a.jpg", y / "a.jpg"], out).values()) == [
        "x/a.jpg.png",
        "y/a.jpg.png",
    ]
    # Two of one name are told apart by what is above them.
    assert list(planned([y, deep], out).values()) == [
        f"{tmp_path.name}/y/a.jpg.png",
        "p/y/a.jpg.png",
        "p/y/b/c.png",
    ]
    # Named twice, a photo has one crop.
    assert len(planned([x, x / "a.jpg", x], out)) == 1


@pytest.mark.parametrize(
    ("name", "crop"),
    [
        ("a.png", "a.png"),
        ("a.b.png", "a.b.png"),
        ("a.PNG", "a.PNG"),
        ("a.jpg", "a.jpg.png"),
        ("a.jpg.png", "a.jpg.png.png"),
        ("a", "a.file.png"),
        ("a.file.png", "a.file.png.png"),
    ],
)
def test_crop_names(name, crop):
    assert crop_name(name) == crop


def test_crop_names_fit_the_file_system():
    for letter in "nä":
        size = len(letter.encode())
        names = [letter * (250 // size) + end for end in (".jpg", ".bmp")]
        crops = [crop_name(name) for name in names]
        assert len(set(crops)) == 2
        assert all(len(crop.encode()) <= 255 for crop in crops)
        assert all(crop.endswith(".png") for crop in crops)


def test_crops_of_an_earlier_run_are_no_photos(capsys, tmp_path):
    """Neither in a folder below, nor next to the photos."""
    photos = tmp_path / "photos"
    photos.mkdir()
    assert cv2.imwrite(str(photos / "a.jpg"), images.read(COLLINS)[:, :, ::-1])
    for out in (photos / "crops", photos):
        for _ in range(2):
            assert main(["align", str(photos), "-o", str(out)]) == 0
            assert capsys.readouterr().out.startswith("1 crop of")
    assert names_in(photos) == ["a.jpg", "a.jpg.png", "crops", "crops.jsonl"]
    assert names_in(photos / "crops") == ["a.jpg.png", "crops.jsonl"]
    # Those of a run of before, without a list.
    (photos / "crops" / "crops.jsonl").unlink()
    assert main(["align", str(photos), "-o", str(photos / "crops")]) == 0
    assert names_in(photos / "crops") == ["a.jpg.png", "crops.jsonl"]


def test_no_crop_replaces_that_of_another_photo(capsys, tmp_path):
    out = tmp_path / "out"
    for name in ("one/a.png", "two/a.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(COLLINS.read_bytes())
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    assert main(["align", one, "-o", str(out)]) == 0
    assert main(["align", two, "-o", str(out)]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "two/a.png' would replace that of" in last and "one/a.png" in last
    # In one command they are kept apart; `embed --aligned` finds both, even
    # below a folder with other pictures.
    assert main(["align", one, two, "-o", str(out / "both")]) == 0
    found = [name for name, _ in name_photos([out], aligned=True)]
    assert found == [
        str(out / name)
        for name in ("a.png", "both/one/a.png", "both/two/a.png")
    ]
    # The photo may have moved.
    (tmp_path / "one").rename(tmp_path / "three")
    assert main(["align", str(tmp_path / "three"), "-o", str(out)]) == 0


def test_the_list_is_extended(capsys, tmp_path):
    out = tmp_path / "out"
    for name in ("one/b.png", "two/a.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(COLLINS.read_bytes())
    words = ["-o", str(out), "--template", "arcface"]
    assert main(["align", str(tmp_path / "one"), *words]) == 0
    with (out / "crops.jsonl").open("a") as file:
        file.write('{"crop": "mine.png", "label": 7}\n{"crop": "torn')
    assert main(["align", str(tmp_path / "two"), *words]) == 0
    lines = (out / "crops.jsonl").read_text().splitlines()
    first, second, mine = (json.loads(line) for line in lines)
    assert mine == {"crop": "mine.png", "label": 7}
    assert (first["crop"], second["crop"]) == ("a.png", "b.png")
    assert first["photo"] == str(tmp_path / "two" / "a.png")
    digest = hashlib.sha256(COLLINS.read_bytes()).hexdigest()
    assert first["sha256"] == digest
    assert first["template"] == "arcface" and first["size"] == [112, 112]
    assert first["choose"] == "largest" and first["faces"] == 1
    face = detect(images.read(COLLINS))[0]
    np.testing.assert_allclose(first["box"], face.box, atol=1e-3)
    np.testing.assert_allclose(first["landmarks"], face.landmarks, atol=1e-3)
    assert abs(first["confidence"] - face.confidence) < 1e-5
    # The crop is that of these landmarks.
    crop = align(images.read(COLLINS), np.array(first["landmarks"]), "arcface")
    assert np.abs(images.read(out / "a.png").astype(int) - crop).mean() < 2
    (out / "crops.jsonl").write_text("no list\n")
    assert main(["align", str(tmp_path / "two"), *words]) == 1
    assert "crops.jsonl' is no list of crops: line 1" in capsys.readouterr().err


def test_json(capsys, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    (photos / "sub").mkdir(parents=True)
    (photos / "sub" / "a.png").write_bytes(COLLINS.read_bytes())
    (photos / "b.jpg").write_bytes(b"broken")
    words = ["align", str(photos), "-o", str(out), "--json"]
    assert main(words) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["command"] == "align" and said["version"] == __version__
    assert said["error"] is None
    (result,) = said["results"]
    assert result["photo"] == str(photos / "sub" / "a.png")
    assert result["crop"] == str(out / "sub" / "a.png")
    assert len(result["box"]) == 4 and len(result["landmarks"]) == 5
    (failure,) = said["failures"]
    assert failure["name"] == str(photos / "b.jpg")
    assert "cannot be read as a photo" in failure["error"]


def test_json_of_a_failure(capsys, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"broken")
    (tmp_path / "b.jpg").write_bytes(b"broken")
    words = ["align", str(tmp_path), "-o", str(tmp_path / "out"), "--json"]
    assert main(words) == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert said.err.splitlines()[-1] == f"error: {document['error']}"
    assert "(1 more failed.)" in document["error"]
    assert document["results"] == [] and len(document["failures"]) == 2
    words[1] = str(tmp_path / "no.jpg")
    assert main(words) == 1
    assert "There is no photo" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize("word", ["", "https://a.b/c.jpg", "data:,x"])
def test_words_that_name_no_file(capsys, tmp_path, monkeypatch, word):
    """The empty one is not the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "private.png").write_bytes(COLLINS.read_bytes())
    assert main(["align", word, "-o", "out"]) == 1
    assert capsys.readouterr().err.startswith("error: A")
    assert not (tmp_path / "out").exists()


def test_errors(capsys, tmp_path):
    out = str(tmp_path / "out")
    note = tmp_path / "note.txt"
    note.write_text("mine")
    for wrong in (note, note / "sub"):
        assert main(["align", str(COLLINS), "-o", str(wrong)]) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        assert last.startswith(f"error: '{note}' is no folder, as -o must")
    assert note.read_text() == "mine"
    assert main(["align", str(tmp_path / "no.jpg"), "-o", out]) == 1
    assert "There is no photo" in capsys.readouterr().err
    assert main(["align", str(tmp_path), "-o", out]) == 1
    assert "has no pictures" in capsys.readouterr().err


def test_a_file_of_another_kind_is_not_a_folder(tmp_path, capsys):
    output = tmp_path / "crops.tfrecord"
    assert main(["align", str(tmp_path), "-o", str(output)]) == 1
    assert (
        "-o takes a folder, NAME.rec or NAME.parquet" in capsys.readouterr().err
    )
    assert not output.exists()
