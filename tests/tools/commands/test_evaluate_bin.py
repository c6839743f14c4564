"""`evaluate` on a `.bin`: the figures of the photos that it was made of."""

import json

import numpy as np
import pytest

from keras_hypersphere import data, zoo
from keras_hypersphere.tools import cli

PAIRS = """Eileen/0/0.9.jpg Eileen/1/1.9.jpg 1
Eileen/0/0.9.jpg Grace/1/1.9.jpg 0
Grace/0/0.9.jpg Grace/1/1.9.jpg 1
Grace/0/0.9.jpg Eileen/1/1.9.jpg 0
"""


@pytest.fixture
def made(videos, tmp_path):
    """A list of photos, and a .bin of their aligned faces."""
    (tmp_path / "list.txt").write_text(PAIRS)
    points = np.load(videos / "landmarks.npz")
    of = dict(zip(points["names"], points["landmarks"], strict=True))
    rows = [line.split() for line in PAIRS.splitlines()]
    crops = [
        zoo.alignment.align(
            zoo.images.read(videos / "images" / name),
            of[name],
            zoo.get_card("sface").template,
            antialias=True,
        )
        for row in rows
        for name in row[:2]
    ]
    same = [row[2] == "1" for row in rows]
    data.write_verification_bin(tmp_path / "faces.bin", crops, same)
    return tmp_path


def evaluated(capsys, *words):
    code = cli.main(["evaluate", *map(str, words), "--folds", "2"])
    return code, *capsys.readouterr()


def test_it_is_what_the_photos_are(made, videos, capsys):
    photos = ("--images", videos / "images", "--pairs", made / "list.txt")
    marks = ("--landmarks", videos / "landmarks.npz")
    _, out, _ = evaluated(capsys, "pairs", *photos, *marks, "--json")
    [wanted] = json.loads(out)["results"]
    words = ("--pairs", made / "faces.bin", "--report", made / "page")
    code, out, err = evaluated(capsys, "lfw", *words, "--json")
    assert code == 0, err
    [found] = json.loads(out)["results"]
    assert found["faces"] == "aligned crops of faces.bin"
    for name in ("folds", "auc", "photos", "pairs", "distance", "model"):
        assert found[name] == wanted[name], name
    assert found["thresholds"] == pytest.approx(wanted["thresholds"], abs=1e-6)
    page = (made / "page" / "index.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("pairs", "--pairs", "faces.bin", "--model", "dlib-resnet"),
            "`dlib-resnet` takes crops of 150 x 150 pixels (height x width). "
            "Received: 112 x 112, crop 0 of 'faces.bin'.",
        ),
        (
            ("lfw", "--pairs", "faces.bin", "--images", "."),
            "leave out --images: a .bin holds its own faces",
        ),
        (
            ("lfw", "--pairs", "list.txt"),
            "one of the arguments --images --embeddings is required",
        ),
    ],
)
def test_what_cannot_be_measured(made, words, said, capsys, monkeypatch):
    monkeypatch.chdir(made)
    try:
        code, _, err = evaluated(capsys, *words)
    except SystemExit as end:
        code, err = end.code, capsys.readouterr().err
    assert code in (1, 2)
    assert said in err.splitlines()[-1]
