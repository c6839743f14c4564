import json
import os
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.tools.cli import main
from keras_hypersphere.tools.training import crop_file
from keras_hypersphere.tools.training.crop_file import crops_for
from tests.tools.training.photos import photos


def nobody(folder, name="Nobody"):
    """A person without a face, and a file that is none."""
    (folder / name).mkdir()
    blank = np.full((80, 80, 3), 99, np.uint8)
    cv2.imwrite(str(folder / name / "a.png"), blank)
    (folder / name / "b.jpg").write_bytes(b"broken")


def test_photos_become_one_file(tmp_path):
    people = photos(tmp_path / "people")
    nobody(people, "A nobody")
    seen = []
    source = crops_for(
        people, tmp_path / "run", progress=lambda *done: seen.append(done)
    )
    assert seen[-1] == (8, 8)
    assert source.path == tmp_path / "run" / "cache" / "faces.rec"
    # The first label was lost: there is no gap.
    assert source.class_names == ["Eileen", "Grace"]
    assert source.labels.tolist() == [0, 0, 0, 1, 1, 1]
    for number in range(6):
        who = source.class_names[source.labels[number]]
        image = kh.zoo.images.read(people / who / f"{number % 3}.jpg")
        wanted = kh.zoo.alignment.align(
            image, kh.zoo.alignment.detect(image)[0], "arcface", antialias=True
        )
        crop = kh.zoo.images.read(source.read(number))
        assert np.abs(crop.astype(int) - wanted).mean() < 1
    told = source.left_out
    assert set(told) == {"A nobody/a.png", "A nobody/b.jpg", "A nobody"}
    assert "No face was found" in told["A nobody/a.png"]
    assert "cannot be read" in told["A nobody/b.jpg"]
    assert told["A nobody"].endswith("none of 2 photos has a face.")
    x, y = kh.data.FaceBatches(source, 6)[0]
    assert x.shape == (6, 112, 112, 3) and sorted(y) == [0, 0, 0, 1, 1, 1]


def test_it_is_not_made_twice(tmp_path, monkeypatch):
    people = photos(tmp_path / "people")
    first = crops_for(people, tmp_path / "run")
    before = first.path.read_bytes()

    def fail(*arguments):
        raise AssertionError("aligned again")

    monkeypatch.setattr(crop_file, "faces_of", fail)
    for resume in (True, False):
        source = crops_for(people, tmp_path / "run", resume=resume)
        assert source.path.read_bytes() == before
    monkeypatch.undo()
    # Of other data it is made anew, or refused.
    (people / "Grace" / "0.jpg").unlink()
    with pytest.raises(ValueError, match="was not made of"):
        crops_for(people, tmp_path / "run", resume=True)
    assert len(crops_for(people, tmp_path / "run")) == 5
    wide = crops_for(people, tmp_path / "run", "sphereface")
    assert kh.zoo.images.read(wide.read(0)).shape == (112, 96, 3)


def test_wherever_it_is_broken_off(tmp_path):
    """Any beginning of the crops with any beginning of the log after it."""
    people = photos(tmp_path / "people")
    nobody(people, "Fred")
    source = kh.data.open_faces(people)
    path = tmp_path / "a.rec"
    crop_file.cut_crops(source, path)
    whole, log = path.read_bytes(), crop_file.read_log(path)
    left_out = crop_file.left_out(source, path)
    assert len(log) == 9
    text = path.with_suffix(crop_file.LOG).read_bytes()
    for lines in (1, 4, 5, 9):
        end = len(b"".join(text.splitlines(True)[:lines])) + 9
        for size in (0, 3000, len(whole)):
            path.unlink(missing_ok=True)
            path.with_suffix(".rec.part").write_bytes(whole[:size])
            path.with_suffix(crop_file.LOG).write_bytes(text[:end])
            crop_file.cut_crops(source, path)
            assert path.read_bytes() == whole, (lines, size)
            assert crop_file.left_out(source, path) == left_out


PROGRAM = """
import os, signal, sys
from keras_hypersphere.tools.training import crop_file

def progress(done, total):
    if done - begin[0] == 7:
        os.kill(os.getpid(), signal.SIGKILL)

log = crop_file.read_log(crop_file.Path({run!r}) / "cache" / "faces.rec")
begin = [max(0, len(log) - 1)]
crop_file.crops_for({data!r}, {run!r}, resume=True, progress=progress)
"""


@pytest.mark.slow
def test_killed(tmp_path):
    people = photos(tmp_path / "people", (5, 4))
    (people / "A nobody").mkdir()
    for number in range(6):
        blank = np.full((80, 80, 3), 20 * number, np.uint8)
        cv2.imwrite(str(people / "A nobody" / f"{number}.png"), blank)
    program = PROGRAM.format(data=str(people), run=str(tmp_path / "run"))
    codes = []
    while not codes or codes[-1] == -signal.SIGKILL:
        codes.append(subprocess.run([sys.executable, "-c", program]).returncode)
        assert len(codes) < 9
    assert codes[-1] == 0 and len(codes) >= 3
    wanted = crops_for(people, tmp_path / "unbroken")
    found = tmp_path / "run" / "cache" / "faces.rec"
    assert found.read_bytes() == wanted.path.read_bytes()


def test_crops_are_taken_as_they_are(tmp_path):
    people = photos(tmp_path / "people")
    out = tmp_path / "crops"
    assert main(["align", str(people), "-o", str(out)]) == 0
    source = crops_for(out, tmp_path / "run")
    assert source.path == out and len(source) == 6
    assert not (tmp_path / "run").exists()
    with pytest.raises(ValueError, match="crops by the template arcface"):
        crops_for(out, tmp_path / "run", "dlib")
    assert crops_for(people, tmp_path / "run", aligned=True).path == people
    assert not (tmp_path / "run").exists()
    with pytest.raises(ValueError, match=r"must be that of the template"):
        crops_for(people, tmp_path / "run", image_size=(96, 112))


def test_no_face_at_all(tmp_path):
    nobody(tmp_path)
    with pytest.raises(ValueError, match="No face was found in any of the 2"):
        crops_for(tmp_path, tmp_path / "run")


def test_align_makes_one_file(tmp_path, capsys):
    people = photos(tmp_path / "people")
    out = tmp_path / "a new folder" / "train.rec"
    words = ["align", str(people), "-o", str(out)]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out == f"6 crops of 2 people in {out}\n"
    assert main(words) == 0
    nobody(people)
    assert main(words) == 1
    assert "was not made of" in capsys.readouterr().err
    assert (
        main(["align", str(people), "-o", f"{tmp_path}/2.rec", "--json"]) == 1
    )
    said = capsys.readouterr()
    document = json.loads(said.out)
    [result] = document["results"]
    assert result["lost_people"] == ["Nobody"] and result["crops"] == 6
    names = [failure["name"] for failure in document["failures"]]
    assert sorted(names) == ["Nobody", "Nobody/a.png", "Nobody/b.jpg"]
    assert "error: not all photos have a crop, 1 people have none" in said.err
    assert main([*words[:2], str(people), *words[2:]]) == 1
    assert "one data set. Received: 2 words" in capsys.readouterr().err
    assert not os.path.exists(tmp_path / "train.rec.part")
