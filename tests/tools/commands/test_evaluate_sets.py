"""`evaluate` on videos, on distractors, and on embeddings from elsewhere."""

import json

import numpy as np
import pytest

from keras_hypersphere.evaluation import lfw, megaface, ytf
from keras_hypersphere.tools import cli

NAMES = [
    f"P{person}/P{person}_{n:04d}.jpg" for person in range(12) for n in (1, 2)
]


def call(capsys, *words):
    code = cli.main(["evaluate", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def found_by(capsys, *words):
    code, out, err = call(capsys, *words, "--json")
    assert code == 0, err
    [found] = json.loads(out)["results"]
    return found


def people(seed=0, noise=0.8):
    random = np.random.default_rng(seed)
    faces = np.repeat(random.normal(size=(12, 6)), 2, axis=0)
    return (faces + noise * random.normal(size=faces.shape)).astype(np.float32)


def lists(folder):
    """12 same pairs and 12 different ones, in LFW's format and as paths."""
    rows, lines = [], ["4 3"]
    for fold in range(4):
        for person in range(3 * fold, 3 * fold + 3):
            lines.append(f"P{person} 1 2")
            rows.append((2 * person, 2 * person + 1, 1))
        for person in range(3 * fold, 3 * fold + 3):
            other = (person + 5) % 12
            lines.append(f"P{person} 1 P{other} 2")
            rows.append((2 * person, 2 * other + 1, 0))
    (folder / "pairs.txt").write_text("\n".join(lines) + "\n")
    (folder / "list.txt").write_text(
        "".join(f"{NAMES[a]} {NAMES[b]} {flag}\n" for a, b, flag in rows)
    )
    return np.array(rows)


@pytest.mark.parametrize("kind", ["lfw", "pairs"])
@pytest.mark.parametrize("prefix", ["", "my/photos/"])
def test_pairs_of_embeddings(kind, prefix, tmp_path, capsys):
    rows, faces = lists(tmp_path), people()
    order = np.random.default_rng(1).permutation(24)
    np.savez(
        tmp_path / "faces.npz",
        embeddings=faces[order],
        names=np.array([prefix + NAMES[i] for i in order]),
        model=np.array("dlib-resnet"),
    )
    file = tmp_path / ("pairs.txt" if kind == "lfw" else "list.txt")
    words = (kind, "--pairs", file, "--embeddings", tmp_path / "faces.npz")
    folds = () if kind == "lfw" else ("--folds", 4)
    found = found_by(capsys, *words, *folds)
    left, right = faces[rows[:, 0]], faces[rows[:, 1]]
    # The distance is that of the model's card.
    expected = lfw(left, right, rows[:, 2], 4, distance="l2")
    assert found["distance"] == "l2"
    assert found["model"] == "dlib-resnet"
    assert found["folds"] == expected.folds.tolist()
    assert found["thresholds"] == pytest.approx(expected.thresholds.tolist())
    assert 0.5 < found["accuracy"] < 1.0
    found = found_by(capsys, *words, *folds, "--protocol", "sphereface")
    expected = lfw(left, right, rows[:, 2], 4, "sphereface")
    assert found["accuracy"] == expected.accuracy
    code, out, _ = call(capsys, *words, *folds)
    assert code == 0
    assert "faces: embeddings of faces.npz" in out
    assert "24 photos read in" in out


def test_photos_that_are_not_in_the_file_are_errors(tmp_path, capsys):
    lists(tmp_path)
    np.savez(
        tmp_path / "faces.npz",
        embeddings=people(noise=0.01)[1:],
        names=np.array(NAMES[1:]),
    )
    words = ("lfw", "--pairs", tmp_path / "pairs.txt")
    found = found_by(capsys, *words, "--embeddings", tmp_path / "faces.npz")
    assert found["photos_without_embedding"] == {NAMES[0]: "not in faces.npz"}
    # The photo is in a same and a different pair of the first fold.
    assert found["pairs_lost"] == 2
    assert found["folds"][0] <= 4 / 6
    assert found["model"] == "a model unnamed"
    assert found["distance"] == "cosine"


def ytf_list(folder, videos=12):
    lines, pairs = [], []
    for person in range(videos):
        other = (person + 5) % videos
        for number, (b, flag) in enumerate([(person, 1), (other, 0)]):
            fold = person * 4 // videos + 1
            lines.append(
                f"{fold}, {2 * person + number}, P{person}/0, P{b}/1, {flag}"
            )
            pairs.append((2 * person, 2 * b + 1, flag, fold))
    (folder / "splits.txt").write_text("\n".join(lines))
    return np.array(pairs)


@pytest.mark.parametrize(
    "protocol", ["mean", "facenet", "histogram", "normface-mean"]
)
def test_videos_of_embeddings(protocol, tmp_path, capsys):
    pairs = ytf_list(tmp_path)
    random = np.random.default_rng(0)
    centers = np.repeat(random.normal(size=(12, 5)), 2, axis=0)
    videos = [c + 0.8 * random.normal(size=(12, 5)) for c in centers]
    names = [
        f"frames/P{v // 2}/{v % 2}/{v % 2}.{n}.jpg"
        for v in range(24)
        for n in range(95, 107)
    ]
    rows = np.concatenate(videos)
    # As a program sorts them: frame 100 before frame 95.
    order = np.argsort(names)
    np.savez(
        tmp_path / "frames.npz",
        embeddings=rows[order],
        names=np.array(names)[order],
    )
    words = ("ytf", "--pairs", tmp_path / "splits.txt", "--protocol", protocol)
    words += ("--embeddings", tmp_path / "frames.npz", "--max-frames", 7)
    found = found_by(capsys, *words)
    expected = ytf(
        [videos[i] for i in pairs[:, 0]],
        [videos[i] for i in pairs[:, 1]],
        pairs[:, 2],
        pairs[:, 3],
        protocol,
        max_frames=7,
    )
    assert found["folds"] == expected.folds.tolist()
    assert found["auc"] == pytest.approx(expected.auc)
    assert found["thresholds"] == pytest.approx(expected.thresholds.tolist())
    assert (found["videos"], found["photos"]) == (24, 288)
    assert "--max-frames 7" in found["command"]
    code, out, _ = call(capsys, *words)
    assert code == 0
    assert "24 pairs of 24 videos" in out
    assert "288 frames read in" in out


def test_rows_named_as_their_video_and_videos_without_rows(tmp_path, capsys):
    ytf_list(tmp_path)
    names = np.repeat([f"P{p}/{v}" for p in range(12) for v in (0, 1)], 3)
    faces = np.repeat(people(noise=0.01), 3, axis=0)
    words = ("ytf", "--pairs", tmp_path / "splits.txt")
    file = tmp_path / "frames.npz"
    np.savez(file, embeddings=faces, names=names)
    found = found_by(capsys, *words, "--embeddings", file)
    assert found["accuracy"] == 1.0
    np.savez(file, embeddings=faces[3:], names=names[3:])
    found = found_by(capsys, *words, "--embeddings", file)
    assert found["photos_without_embedding"] == {
        "P0/0": "no frame with an embedding"
    }
    assert found["pairs_lost"] == 2
    assert found["folds"][0] == pytest.approx(4 / 6)


@pytest.mark.parametrize("suffix", ["npz", "npy"])
def test_distractors_of_embeddings(suffix, tmp_path, capsys):
    faces = people(noise=0.9)
    distractors = np.random.default_rng(5).normal(size=(60, 6))
    gallery = tmp_path / f"distractors.{suffix}"
    if suffix == "npz":
        np.savez(gallery, embeddings=distractors)
    else:
        np.save(gallery, distractors)
    file = tmp_path / "probes.npz"
    np.savez(file, embeddings=faces, names=np.array(NAMES))
    words = ("megaface", "--embeddings", file, "--distractors", gallery)
    words += ("--ranks", 4, "--far", 0.01)
    found = found_by(capsys, *words)
    labels = np.repeat(np.arange(12), 2)
    expected = megaface(faces, labels, distractors, 4, 0.01)
    assert found["ranks"] == expected.ranks.tolist()
    assert found["tar"] == expected.tar
    assert 0 < found["rank_1"] < 1
    assert (found["probes"], found["persons"]) == (24, 12)
    assert (found["couples"], found["distractors"]) == (24, 60)
    # Persons may be named by an array instead.
    np.savez(
        file, embeddings=faces, names=np.arange(24).astype(str), labels=labels
    )
    assert found_by(capsys, *words)["ranks"] == found["ranks"]
    code, out, _ = call(capsys, *words)
    assert code == 0
    assert f"rank 1     {found['rank_1']:.3%}" in out
    assert "TAR" in out
    assert "at FAR 0.01" in out


def test_videos_of_frames(videos, capsys):
    words = ("ytf", "--images", videos / "images")
    words += ("--pairs", videos / "splits.txt")
    words += ("--landmarks", videos / "landmarks.npz")
    found = found_by(capsys, *words)
    assert found["accuracy"] == 1.0
    assert (found["pairs"], found["videos"], found["photos"]) == (8, 8, 16)
    assert found["distance"] == "cosine"
    found = found_by(capsys, *words, "--protocol", "facenet")
    assert found["accuracy"] == 1.0
    assert found["distance"] == "cosine"
    # A video without faces: its pairs are errors, its frames are counted.
    with np.load(videos / "landmarks.npz") as archive:
        names, points = archive["names"], archive["landmarks"]
    keep = ~np.char.startswith(names, "Grace/3/")
    keep &= names != "Grace/0/0.9.jpg"
    part = videos / "part.npz"
    np.savez(part, names=names[keep], landmarks=points[keep])
    code, out, _ = call(capsys, *words[:-1], part)
    assert code == 0
    assert "videos without an embedding: 1; pairs counted as errors" in out
    assert "for it: 2" in out
    assert "frames without an embedding: 3; they are left out" in out


def test_photos_among_distractors(videos, capsys):
    words = ("megaface", "--images", videos / "images")
    words += ("--distractors", videos / "others")
    words += ("--landmarks", videos / "landmarks.npz")
    found = found_by(capsys, *words, "--ranks", 2)
    # The folder of a photo is its person, so a video is one here. Two
    # frames of a video are nearly the same picture.
    assert (found["probes"], found["persons"]) == (16, 8)
    assert (found["distractors"], found["couples"]) == (1, 16)
    assert found["rank_1"] == 1.0
    assert found["distance"] == "cosine"
    assert found["tar"] == 1.0
    assert found["photos_without_embedding"] == {}


def wrong(folder):
    """Words that fail, and what the message says."""
    rows = {"embeddings": np.ones((2, 3)), "names": np.array(["a/1", "b/2"])}
    lists(folder)
    ytf_list(folder)
    files = {}
    for name, arrays in {
        "good": rows,
        "bare": {"embeddings": rows["embeddings"]},
        "flat": {**rows, "embeddings": np.ones(2)},
        "short": {**rows, "names": rows["names"][:1]},
        "twice": {
            "embeddings": np.ones((2, 3)),
            "names": np.array([f"x/{NAMES[0]}", f"y/{NAMES[0]}"]),
        },
        "videos": {
            "embeddings": np.ones((2, 3)),
            "names": np.array(["x/P0/0/1.jpg", "y/P0/0/1.jpg"]),
        },
        "labels": {**rows, "labels": np.arange(3)},
        "loose": {**rows, "names": np.array(["a.jpg", "b/2"])},
    }.items():
        files[name] = folder / f"{name}.npz"
        np.savez(files[name], **arrays)
    no = folder / "none.npz"
    text = folder / "pairs.txt"
    (folder / "empty").mkdir()
    pairs = ("lfw", "--pairs", text, "--embeddings")
    videos = ("ytf", "--pairs", folder / "splits.txt")
    probes = ("megaface", "--distractors", files["good"], "--embeddings")
    return [
        ((*pairs, no), "No such file of embeddings"),
        ((*pairs, text), "not an .npz file of embeddings"),
        ((*pairs, files["bare"]), "expected the arrays `embeddings` and"),
        ((*pairs, files["flat"]), "`embeddings` must be a matrix"),
        ((*pairs, files["short"]), "`names` must hold one text for each"),
        ((*pairs, files["labels"]), "`labels` must hold one person"),
        ((*pairs, files["good"]), "names none of the 24 photos"),
        ((*pairs, files["twice"]), "Name every photo once"),
        ((*videos, "--embeddings", files["good"]), "has no rows of the 24"),
        ((*videos, "--embeddings", files["videos"]), "Name every video once"),
        ((*videos, "--images", folder), "24 of 24 videos are missing"),
        ((*videos, "--images", no), "No such folder of images"),
        (("ytf", "--pairs", text, "--images", folder), "line 1: expected"),
        ((*probes, files["loose"]), "'a.jpg' lies in no folder"),
        ((*probes, files["good"]), "name some person twice"),
        (
            ("megaface", "--embeddings", files["good"], "--distractors", no),
            "No such file or folder",
        ),
        (
            (
                "megaface",
                "--embeddings",
                files["good"],
                "--distractors",
                folder,
            ),
            "is a folder: with --embeddings",
        ),
        (
            ("megaface", "--embeddings", files["good"], "--distractors", text),
            "not an .npz file",
        ),
        (
            ("megaface", "--images", folder / "empty", "--distractors", text),
            "has no pictures",
        ),
    ]


def test_wrong_input_is_one_line(tmp_path, capsys):
    for words, message in wrong(tmp_path):
        code, out, err = call(capsys, *words)
        assert (code, out) == (1, ""), words
        last = err.splitlines()[-1]
        assert last.startswith("error: ")
        assert message in last
