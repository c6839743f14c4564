import argparse
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.commands import embed, verify
from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.runtimes import RUNTIMES

SAMPLES = Path(images.__file__).parent / "samples"
COLLINS = str(SAMPLES / "eileen_collins.png")
HOPPER = str(SAMPLES / "grace_hopper.jpg")


def test_two_people(capsys):
    assert main(["verify", COLLINS, HOPPER]) == 0
    word, *rest = capsys.readouterr().out.split()
    assert word == "different"
    assert rest[0:4:2] == ["distance", "threshold"]
    # What the card says of its threshold.
    assert rest[4:7] == ["(wrong", "for", "0.08%"]
    assert float(rest[1]) > float(rest[3]) == 0.637


def test_threshold(capsys):
    assert main(["verify", COLLINS, HOPPER, "--threshold", "1.5"]) == 0
    assert capsys.readouterr().out.endswith("threshold 1.5\n")
    for word in ("near", "nan"):
        with pytest.raises(SystemExit) as stop:
            main(["verify", COLLINS, HOPPER, "--threshold", word])
        assert stop.value.code == 2
        assert "expected a distance" in capsys.readouterr().err


@pytest.mark.usefixtures("miniatures")
def test_unknown_threshold(capsys):
    words = ["verify", COLLINS, HOPPER, "--model", "sphereface4.miniature"]
    assert main(words) == 1
    said = capsys.readouterr()
    last = said.err.splitlines()[-1]
    assert said.out == "" and last.startswith("error: ")
    assert "--threshold" in last and "evaluate lfw" in last
    assert main([*words, "--threshold", "0.5", "--runtime", "keras"]) == 0
    assert capsys.readouterr().out.split()[0] in ("same", "different")


@pytest.mark.parametrize("command", [embed, verify])
def test_runtimes_are_those_of_the_embedder(command):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    [option] = (a for a in parser._actions if a.dest == "runtime")
    assert list(option.choices) == list(RUNTIMES)


def altered(path, kind):
    """Collins' portrait as another kind of file. Returns its name."""
    rgb = images.read(COLLINS)
    bgr = rgb[:, :, ::-1]
    if kind == "gray":
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    elif kind == "transparent":
        alpha = np.full(rgb.shape[:2], 255, np.uint8)
        alpha[:, :100] = 0
        bgr = np.dstack([bgr, alpha])
    elif kind == "16 bit":
        bgr = bgr.astype(np.uint16) * 257
    name = path / f"{kind}.png"
    assert cv2.imwrite(str(name), bgr)
    return str(name)


@pytest.mark.parametrize("kind", ["gray", "transparent", "16 bit"])
def test_every_kind_of_file(capsys, tmp_path, kind):
    name = altered(tmp_path, kind)
    assert main(["verify", COLLINS, name, "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["results"]
    assert answer["same"] is True
    assert answer["distance"] < {"gray": 0.4}.get(kind, 0.02)


def test_turned_by_exif(capsys, tmp_path):
    # Stored lying on its side, with the note to turn it (orientation 6).
    lying = np.rot90(images.read(HOPPER)[:, :, ::-1], 1)
    _, data = cv2.imencode(".jpg", lying, [cv2.IMWRITE_JPEG_QUALITY, 98])
    note = bytes.fromhex(
        "ffe1002245786966000049492a0008000000010012010300"
        "010000000600000000000000"
    )
    path = tmp_path / "turned.jpg"
    path.write_bytes(data.tobytes()[:2] + note + data.tobytes()[2:])
    assert images.read(path).shape == images.read(HOPPER).shape
    assert main(["verify", HOPPER, str(path), "--json"]) == 0
    [answer] = json.loads(capsys.readouterr().out)["results"]
    assert answer["same"] is True and answer["distance"] < 0.1
    assert answer["photos"][1]["faces"] == 1


def test_several_faces_are_noted(capsys, tmp_path):
    collins = images.read(COLLINS)[:300, 60:380, ::-1]
    name = str(tmp_path / "two.png")
    cv2.imwrite(name, np.concatenate([collins, collins], axis=1))
    assert main(["verify", COLLINS, name]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("same")
    assert f"note: {name} has 2 faces, taken was the largest" in said.err


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: None, "There is no photo"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: p.write_text("a text"), "cannot be read as a photo"),
        (lambda p: p.write_bytes(b""), "the file is empty"),
        (
            lambda p: cv2.imwrite(str(p), np.full((90, 90, 3), 99, np.uint8)),
            "No face was found",
        ),
    ],
)
def test_photos_that_cannot_be_compared(capsys, tmp_path, make, words):
    path = tmp_path / "photo.png"
    make(path)
    assert main(["verify", COLLINS, str(path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    last = said.err.splitlines()[-1]
    assert last.startswith("error: ") and str(path) in last and words in last


def test_unknown_model(capsys):
    assert main(["verify", COLLINS, HOPPER, "--model", "dlib"]) == 1
    assert "Did you mean dlib-resnet" in capsys.readouterr().err


def test_as_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "keras_hypersphere", "verify", COLLINS, HOPPER],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("different  distance 0.")
    assert done.stdout.count("\n") == 1
