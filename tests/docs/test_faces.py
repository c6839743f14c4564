"""The guide to faces: every Python block and every command runs."""

import concurrent.futures
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import keras_hypersphere as kh
from keras_hypersphere.tools.cli import main
from keras_hypersphere.zoo import images

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faces.md"
TEXT = PAGE.read_text()
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for line in re.findall(r"^ {4}(keras-hypersphere .*)$", TEXT, re.MULTILINE)
]
SAMPLES = ROOT / "zoo" / "samples"
EILEEN, GRACE = SAMPLES / "eileen_collins.png", SAMPLES / "grace_hopper.jpg"
# Blocks with imports of their own run apart from the page.
VIDEO, SERVICE, PROCESSES = "VideoCapture", "fastapi.File", "Pool(2)"
APART = (VIDEO, SERVICE, PROCESSES)


def write(path, pixels):
    """An RGB picture, in a folder that is made."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.ascontiguousarray(pixels[..., ::-1]))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The photos that the page names, of the two packaged portraits."""
    monkeypatch.chdir(tmp_path)
    eileen, grace = images.read(EILEEN), images.read(GRACE)
    shutil.copy(EILEEN, "eileen.png")
    shutil.copy(GRACE, "grace.jpg")
    write("people/Eileen/1.png", eileen[:, ::-1])
    write("people/Grace/1.png", grace[:, ::-1])
    write("photos/collins.jpg", eileen)
    write("photos/hopper.jpg", grace)
    write("photos/wall.png", np.full((300, 300, 3), 90, np.uint8))
    data = GRACE.read_bytes()
    Path("photos/damaged.jpg").write_bytes(data[: len(data) // 2])
    write("sideways.png", np.rot90(grace, -1))
    write("group.png", np.hstack([eileen, grace[44:556]]))
    return tmp_path


def block(words):
    [code] = [code for code in PYTHON if words in code]
    return code


def run(code, names, capsys):
    """Runs a block; a comment behind `print` says what appears."""
    exec(compile(code, PAGE.name, "exec"), names)
    printed = capsys.readouterr().out
    for said in re.findall(r"print\(.*\)\s+# (.*)", code):
        assert said in printed, printed
    return printed


def test_the_page_from_top_to_bottom(folder, capsys):
    names, printed = {}, {}
    for code in PYTHON:
        if not any(word in code for word in APART):
            printed[code] = run(code, names, capsys)
    many = printed[block("# all pictures")]
    # Of the folder at once, and of its one part.
    for word in ("hopper.jpg", "'photos/damaged.jpg':", "No face was found"):
        assert many.count(word) == 2, many
    assert re.search(r"^2 \[\(.*\), \(.*\)\]$", printed[block("own =")], re.M)
    assert names["gallery"].people == ["Grace"]
    assert kh.zoo.Gallery.load("people.npz").people == ["Eileen", "Grace"]


def test_commands(folder, capsys):
    printed = []
    for words in COMMANDS:
        # Two photos of the folder are no faces, as the page wants it.
        assert main(words) == int(words[0] == "cluster"), words
        printed.append(capsys.readouterr().out)
    assert len(COMMANDS) == 6
    assert sorted(re.findall(r"\]: (\w+)", printed[4])) == ["Grace", "nobody"]
    assert printed[5].startswith("2 groups of 2 faces")


@pytest.fixture
def embedder():
    return kh.zoo.FaceEmbedder.from_preset("sface")


def test_video(folder, capsys, embedder):
    """Twenty frames of two people, of which every fifth is looked at."""
    codec = cv2.VideoWriter_fourcc(*"MJPG")
    film = cv2.VideoWriter("film.avi", codec, 10, (512, 512))
    if not film.isOpened():
        pytest.skip("this OpenCV writes no video")
    for place in range(20):
        pixels = images.read(EILEEN if place < 10 else GRACE)[:512]
        film.write(np.ascontiguousarray(pixels[..., ::-1]))
    film.release()
    names = {"embedder": embedder, "gallery": embedder.gallery("people/")}
    printed = run(block(VIDEO), names, capsys)
    people = ["Eileen", "Eileen", "Grace", "Grace"]
    assert printed.splitlines() == [
        f"photo {place} of the stream {person}"
        for place, person in enumerate(people)
    ]


def test_service(folder, capsys):
    """Eight uploads at a time get the answers that one gets."""
    for library in ("fastapi", "python_multipart", "httpx"):
        pytest.importorskip(
            library,
            reason=f"{library} is not installed: `pip install fastapi "
            "python-multipart httpx` runs the service of docs/faces.md",
        )
    from fastapi.testclient import TestClient

    names = {}
    run(block(SERVICE), names, capsys)
    client = TestClient(names["app"])
    photos = {
        name: Path(name).read_bytes() for name in ("eileen.png", "grace.jpg")
    }

    def ask(pair):
        return client.post(
            "/verify", files={"a": photos[pair[0]], "b": photos[pair[1]]}
        )

    pairs = [(a, b) for a in photos for b in photos] * 4
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, pairs))
    for (a, b), answer in zip(pairs, answers, strict=True):
        assert answer.status_code == 200
        wanted = names["embedder"].verify(a, b)
        assert answer.json()["same"] is (a == b)
        assert answer.json()["distance"] == pytest.approx(
            wanted.distance, abs=1e-6
        )
    photos["wall.png"] = Path("photos/wall.png").read_bytes()
    refused = ask(("eileen.png", "wall.png"))
    assert refused.status_code == 422
    assert "No face was found" in refused.json()["detail"]


def test_processes(folder):
    """Forked workers answer after the parent has embedded."""
    Path("workers.py").write_text(block(PROCESSES))
    done = subprocess.run(
        [sys.executable, "workers.py"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    first, both = done.stdout.splitlines()
    assert first == "0.83"
    alike, different = map(float, both.strip("[]").split(","))
    assert abs(alike) < 1e-6 and round(different, 2) == 0.83


def test_every_block_is_run():
    assert len(PYTHON) == 8
    for words in APART:
        assert block(words).count("import ")
