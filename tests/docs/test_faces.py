"""The guide to faces: its parts that work in threads and processes."""

import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import keras_hypersphere as kh
from tests.docs import sample_files

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faces.md"
TEXT = PAGE.read_text()
PYTHON = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
pytestmark = pytest.mark.docs
VIDEO, SERVICE, PROCESSES = "VideoCapture", "fastapi.File", "Pool(2)"


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """The files that the page names."""
    folder = tmp_path_factory.mktemp("samples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        sample_files.make_photos()
    return folder


@pytest.fixture
def folder(samples, monkeypatch):
    monkeypatch.chdir(samples)


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


@pytest.fixture
def embedder():
    return kh.zoo.FaceEmbedder.from_preset("sface")


def test_video(folder, capsys, embedder):
    """Twenty frames of two people, of which every fifth is looked at."""
    if not Path("film.avi").is_file():
        pytest.skip("this OpenCV writes no video")
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
