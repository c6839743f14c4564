import argparse
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.commands.align import TEMPLATES as KNOWN
from keras_hypersphere.tools.commands.align import add_arguments, plan
from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.alignment import TEMPLATES

SAMPLES = Path(images.__file__).parent / "samples"
COLLINS = SAMPLES / "eileen_collins.png"


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
    assert said.out == f"1 crops of {size[0]} x {size[1]} pixels in {out}\n"
    assert said.err.splitlines()[-1].startswith("error: 1 of 2 photos")
    files = [p for p in out.rglob("*") if p.is_file()]
    assert files == [out / "sub" / "a.png"]
    crop = images.read(files[0])
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
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "c.png"]
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


def test_equal_names_get_numbers(tmp_path):
    for name in ("x/a.jpg", "y/a.jpg", "y/a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    targets = plan(
        [str(tmp_path / "x/a.jpg"), str(tmp_path / "y")], tmp_path / "out"
    )
    assert [p.name for p in targets.values()] == ["a.png", "a-2.png", "a-3.png"]


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
