"""`evaluate --report`, from photos to the page."""

import base64
import json
import re

import cv2
import numpy as np
import pytest

from keras_hypersphere.tools import cli

LIST = """Eileen/0/0.9.jpg Eileen/1/1.9.jpg 1
Eileen/0/0.9.jpg Grace/1/1.9.jpg 0
Grace/0/0.9.jpg Grace/1/1.9.jpg 1
Grace/0/0.9.jpg Eileen/1/1.9.jpg 0
Grace/2/2.9.jpg Grace/3/3.9.jpg 1
Grace/2/2.9.jpg Eileen/3/3.9.jpg 0
"""


@pytest.fixture
def call(videos, capsys):
    """Evaluates with landmarks; returns exit code, stdout, last error."""

    def call(kind, *words, landmarks=videos / "landmarks.npz"):
        common = ("--images", videos / "images", "--landmarks", landmarks)
        code = cli.main(["evaluate", kind, *map(str, (*common, *words))])
        captured = capsys.readouterr()
        return code, captured.out, (captured.err.splitlines() or [""])[-1]

    return call


@pytest.fixture
def pairs(videos, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text(LIST)
    return "--pairs", path, "--folds", 3


def page_of(folder):
    """The page: the only file, with its pictures in it."""
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    for source in re.findall(r'src="([^"]+)"', page):
        code = source.removeprefix("data:image/jpeg;base64,")
        data = np.frombuffer(base64.b64decode(code, validate=True), np.uint8)
        assert cv2.imdecode(data, cv2.IMREAD_COLOR).shape == (160, 326, 3)
    return page


def test_pairs_of_photos(call, pairs, tmp_path):
    target = tmp_path / "new" / "report"
    code, out, _ = call("pairs", *pairs, "--report", target)
    assert code == 0
    assert out.splitlines()[-1] == f"report in {target / 'index.html'}"
    assert "3 different pairs are too few for a FAR of 0.1%" in out
    page = page_of(target)
    assert "100.00%" in page
    assert "sface" in page
    assert f"--report {target}" in page
    assert 'alt="Grace/2/2.9.jpg and Eileen/3/3.9.jpg: 0.' in page
    assert "3 different pairs are too few for a FAR of 0.1%" in page
    assert page.count("<img ") == 6
    assert "100.00% at the threshold of the model's card, 0.637" in out
    assert "<b>100.00%</b><span>accuracy at the card&#x27;s thresh" in page


@pytest.mark.slow
def test_videos(call, videos, tmp_path):
    target = tmp_path / "report"
    # The first frame of a video shows no face.
    with np.load(videos / "landmarks.npz") as archive:
        names, points = archive["names"], archive["landmarks"].copy()
    points[names == "Grace/0/0.9.jpg"] = np.nan
    part = tmp_path / "part.npz"
    np.savez(part, names=names, landmarks=points)
    words = ("ytf", "--pairs", videos / "splits.txt", "--report", target)
    code, _, _ = call(*words, landmarks=part)
    assert code == 0
    page = page_of(target)
    assert "8 pairs of 8 videos with 16 frames" in page
    assert 'alt="Grace/0 and Grace/1: ' in page
    words = (*words, "--protocol", "histogram", "--max-frames", 1, "--json")
    code, out, _ = call(*words, landmarks=part)
    assert code == 0
    [found] = json.loads(out)["results"]
    assert found["report"] == str(target / "index.html")
    assert found["different_pairs"] == 4
    assert "distance decision" in page_of(target)


@pytest.mark.slow
def test_people_among_distractors(call, videos, tmp_path):
    target = tmp_path / "report"
    words = ("megaface", "--distractors", videos / "others", "--ranks", 2)
    code, out, _ = call(*words, "--far", 0.1, "--json")
    assert code == 0
    [plain] = json.loads(out)["results"]
    code, out, _ = call(*words, "--far", 0.1, "--json", "--report", target)
    assert code == 0
    [found] = json.loads(out)["results"]
    # What is asked does not depend on the scores that the curve needs.
    for name in ("ranks", "tar", "threshold", "far", "different_pairs"):
        assert found[name] == plain[name]
    page = page_of(target)
    assert "16 probes of 8 persons among 1 distractors" in page
    code, out, _ = call(*words)
    assert "16 pairs of a probe and a distractor are too few" in out


def test_an_odd_row_of_landmarks_is_an_error_of_its_pair(
    call, pairs, videos, tmp_path
):
    with np.load(videos / "landmarks.npz") as archive:
        names, points = archive["names"], archive["landmarks"].copy()
    points[names == "Eileen/3/3.9.jpg"] += 9999
    odd = tmp_path / "odd.npz"
    np.savez(odd, names=names, landmarks=points)
    target = tmp_path / "report"
    words = ("pairs", *pairs, "--json", "--report", target)
    code, out, _ = call(*words, landmarks=odd)
    assert code == 0
    [found] = json.loads(out)["results"]
    assert found["folds"] == [1, 1, 0.5]
    [(name, why)] = found["photos_without_embedding"].items()
    assert name == "Eileen/3/3.9.jpg"
    assert "all landmarks lie outside the photo" in why
    assert why in page_of(target)


@pytest.mark.parametrize("output", ["text", "json"])
def test_figures_are_printed_even_if_the_page_fails(
    call, pairs, tmp_path, output
):
    resource = pytest.importorskip("resource")
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    words = ("pairs", *pairs, "--report", tmp_path / "report")
    words += ("--json",) if output == "json" else ()
    # No file may become larger: as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, kept[1]))
    try:
        code, out, error = call(*words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    assert code == 1
    if output == "json":
        document = json.loads(out)
        [found], [failure] = document["results"], document["failures"]
        assert found["accuracy"] == 1.0
        assert "report" not in found and document["error"] is None
        assert failure["name"] == str(tmp_path / "report")
        assert "File too large" in failure["error"]
    else:
        assert "accuracy   100.00%" in out
        assert "report in" not in out
    assert error.startswith(f"error: The report in '{tmp_path / 'report'}'")
    assert "File too large" in error
    assert list((tmp_path / "report").iterdir()) == []


@pytest.mark.parametrize("kind", ["pairs", "ytf", "megaface"])
def test_what_cannot_be_written_is_found_before_the_work(
    call, kind, videos, tmp_path, monkeypatch
):
    def never(*_):
        raise AssertionError("worked before it looked at --report")

    monkeypatch.setattr(
        "keras_hypersphere.tools.evaluation.source.embed_photos", never
    )
    note = tmp_path / "note.txt"
    note.write_text("mine")
    words = {
        "pairs": ("--pairs", note),
        "ytf": ("--pairs", videos / "splits.txt"),
        "megaface": ("--distractors", videos / "others"),
    }[kind]
    code, out, error = call(kind, *words, "--report", note)
    assert (code, out) == (1, "")
    assert "note.txt' is a file, --report needs a folder. Give" in error
    assert note.read_text() == "mine"


@pytest.mark.usefixtures("miniatures")
def test_a_network_that_takes_no_photos(call, pairs):
    code, out, error = call("pairs", *pairs, "--model", "lenet-pp.miniature")
    assert (code, out) == (1, "")
    assert "error: lenet-pp.miniature takes no photos" in error
