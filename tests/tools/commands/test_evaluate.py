import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.tools import cli
from keras_hypersphere.tools.commands import evaluate
from keras_hypersphere.tools.evaluation.outcome_text import text

SAMPLES = Path(zoo.__file__).parent / "samples"
PEOPLE = {"Eileen": "eileen_collins.png", "Grace": "grace_hopper.jpg"}
# Two folds of two same and two different pairs; 8 photos.
PAIRS = """2 2
Eileen 1 2
Grace 1 3
Eileen 1 Grace 4
Eileen 2 Grace 2
Eileen 3 4
Grace 2 4
Eileen 3 Grace 1
Eileen 4 Grace 3
"""


def copies(image):
    """A portrait and three other photos of it."""
    yield image
    yield image[:, ::-1]
    yield (image * 0.5).astype(np.uint8)
    yield cv2.resize(image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate")
    for name, file in PEOPLE.items():
        (folder / "images" / name).mkdir(parents=True)
        image = cv2.imread(str(SAMPLES / file))
        for number, copy in enumerate(copies(image), 1):
            path = folder / "images" / name / f"{name}_{number:04d}.jpg"
            assert cv2.imwrite(str(path), copy)
    (folder / "pairs.txt").write_text(PAIRS)
    return folder


@pytest.fixture(scope="module")
def landmarks(folder):
    """Landmarks of all photos, found by the detector."""
    photos = sorted((folder / "images").glob("*/*.jpg"))
    points = [
        zoo.alignment.select_face(
            zoo.alignment.detect(zoo.images.read(photo)), (1, 1)
        ).landmarks
        for photo in photos
    ]
    names = [
        photo.relative_to(folder / "images").as_posix() for photo in photos
    ]
    path = folder / "landmarks.npz"
    np.savez(path, names=names, landmarks=points)
    return path


def call(capsys, *words):
    code = cli.main(["evaluate", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def inputs(folder, pairs="pairs.txt"):
    return "--images", folder / "images", "--pairs", folder / pairs


def test_tells_two_portraits_apart_by_detection(folder, capsys):
    code, out, err = call(capsys, "lfw", *inputs(folder), "--json")
    assert code == 0
    document = json.loads(out)
    assert (document["command"], document["error"]) == ("evaluate lfw", None)
    assert document["failures"] == []
    [found] = document["results"]
    assert found["accuracy"] == 1.0
    assert found["std"] == 0.0
    assert found["auc"] == 1.0
    assert found["eer"] == 0.0
    assert found["tar_at_far_0.001"] == 1.0
    assert found["folds"] == [1.0, 1.0]
    assert found["pairs"] == found["photos"] == 8
    assert found["model"] == "sface"
    assert found["distance"] == "cosine"
    assert found["faces"] == "detected by yunet, center"
    assert found["photos_without_embedding"] == {}
    # The card's threshold of 0.6 lies in the same gap.
    assert all(0.3 < threshold < 0.8 for threshold in found["thresholds"])
    assert "8 of 8 photos" in err


def test_given_landmarks_take_the_place_of_detection(
    folder, landmarks, capsys, monkeypatch
):
    def never(*_):
        raise AssertionError("detected in spite of --landmarks")

    monkeypatch.setattr(zoo.alignment, "detect", never)
    words = ("lfw", *inputs(folder), "--landmarks", landmarks)
    code, out, _ = call(capsys, *words)
    assert code == 0
    assert "accuracy   100.00% ± 0.00%" in out
    assert "faces: landmarks" in out
    assert "8 photos embedded" in out
    table = out.split("fold  accuracy")[1].splitlines()[1:]
    assert [line.split()[0] for line in table if line.strip()][:2] == ["1", "2"]


@pytest.mark.parametrize(
    ("protocol", "distance", "reported"),
    [
        ("standard", "cosine", "cosine"),
        ("standard", "squared-l2", "squared-l2"),
        ("sphereface", None, "cosine"),
        ("normface-pca", None, "l2"),
    ],
)
def test_protocols_and_distances(
    folder, landmarks, capsys, protocol, distance, reported
):
    words = ["lfw", *inputs(folder), "--landmarks", landmarks, "--json"]
    words += ["--protocol", protocol]
    words += ["--distance", distance] if distance else []
    code, out, _ = call(capsys, *words)
    assert code == 0
    [found] = json.loads(out)["results"]
    assert found["protocol"] == protocol
    assert found["distance"] == reported
    assert found["accuracy"] == 1.0


def test_embeds_as_the_embedder_does(folder, capsys):
    """The subcommand's scores are the distances of `FaceEmbedder`."""
    from keras_hypersphere.evaluation import lfw, read_lfw_pairs

    embedder = zoo.FaceEmbedder.from_preset("sface")
    pairs = read_lfw_pairs(folder / "pairs.txt")

    faces = embedder.embed(
        [folder / "images" / path for path in pairs.photos()], choose="center"
    )
    left, right = pairs.indices()
    expected = lfw(
        faces[left],
        faces[right],
        pairs.same,
        folds=2,
        distance="cosine",
    )
    words = ("lfw", *inputs(folder), "--json")
    [found] = json.loads(call(capsys, *words)[1])["results"]
    np.testing.assert_allclose(
        found["thresholds"], expected.thresholds, atol=1e-4
    )


def test_reads_lists_of_paths(folder, landmarks, capsys):
    (folder / "list.txt").write_text(
        "Eileen/Eileen_0001.jpg Eileen/Eileen_0003.jpg 1\n"
        "Eileen/Eileen_0001.jpg Grace/Grace_0003.jpg 0\n"
        "Grace/Grace_0001.jpg Grace/Grace_0003.jpg 1\n"
        "Grace/Grace_0001.jpg Eileen/Eileen_0003.jpg 0\n"
    )
    words = ("pairs", *inputs(folder, "list.txt"), "--landmarks", landmarks)
    code, out, _ = call(capsys, *words, "--folds", "2", "--json")
    assert code == 0
    [found] = json.loads(out)["results"]
    assert found["accuracy"] == 1.0
    assert found["photos"] == 4
    code, _, err = call(capsys, *words)
    assert code == 1
    assert "`folds` must be a whole number from 2 to the number of" in err


def test_photos_without_an_embedding_are_errors(folder, landmarks, capsys):
    with np.load(landmarks) as archive:
        names, points = archive["names"], archive["landmarks"]
    keep = names != "Grace/Grace_0004.jpg"
    part = folder / "part.npz"
    np.savez(part, names=names[keep], landmarks=points[keep])
    words = ("lfw", *inputs(folder), "--landmarks", part)
    code, out, _ = call(capsys, *words, "--json")
    assert code == 0
    [found] = json.loads(out)["results"]
    # The photo is in one pair of each fold.
    assert found["folds"] == [0.75, 0.75]
    assert found["accuracy"] == 0.75
    assert found["pairs_lost"] == 2
    assert found["photos_without_embedding"] == {
        "Grace/Grace_0004.jpg": "no landmarks"
    }
    shown = text(found)
    assert "photos without an embedding: 1; pairs counted as errors" in shown
    assert "Grace/Grace_0004.jpg: no landmarks" in shown


def test_photos_without_a_face_and_damaged_ones_are_errors(folder, capsys):
    images = folder / "images"
    plain = np.full((120, 120, 3), 90, np.uint8)
    cv2.imwrite(str(images / "plain.png"), plain)
    (images / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (folder / "bad.txt").write_text(
        "Eileen/Eileen_0001.jpg Eileen/Eileen_0002.jpg 1\n"
        "Eileen/Eileen_0001.jpg plain.png 0\n"
        "Grace/Grace_0001.jpg Eileen/Eileen_0002.jpg 0\n"
        "Eileen/Eileen_0001.jpg Eileen/Eileen_0002.jpg 1\n"
        "damaged.jpg Eileen/Eileen_0002.jpg 1\n"
        "Grace/Grace_0001.jpg Eileen/Eileen_0002.jpg 0\n"
    )
    words = ("pairs", *inputs(folder, "bad.txt"), "--folds", "2", "--json")
    code, out, _ = call(capsys, *words)
    assert code == 0
    [found] = json.loads(out)["results"]
    assert found["faces"] == "detected by yunet, largest"
    assert found["folds"] == pytest.approx([2 / 3, 2 / 3])
    failures = found["photos_without_embedding"]
    assert failures["plain.png"] == "no face detected"
    assert "damaged.jpg" in failures["damaged.jpg"]
    assert len(failures) == 2


def test_photos_whose_end_is_missing_are_read_as_far_as_they_go(
    folder, landmarks, tmp_path
):
    """Published sets hold such files; their landmarks are known."""
    from keras_hypersphere.tools.evaluation.landmarks import read_landmarks
    from keras_hypersphere.tools.evaluation.listed_crops import (
        Failure,
        crops_of,
    )

    name = "Eileen/Eileen_0001.jpg"
    whole = (folder / "images" / name).read_bytes()
    (tmp_path / "Eileen").mkdir()
    (tmp_path / name).write_bytes(whole[: len(whole) * 3 // 4])
    points = read_landmarks(landmarks)
    (given,) = crops_of(folder / "images", [name], "dlib", points)
    (part,) = crops_of(tmp_path, [name], "dlib", points)
    assert not isinstance(part, Failure)
    # The face is in the upper three quarters of the portrait.
    np.testing.assert_array_equal(part, given)


def test_nothing_to_measure_is_an_error(folder, capsys):
    cv2.imwrite(
        str(folder / "images" / "gray.png"), np.full((60, 60), 90, np.uint8)
    )
    (folder / "none.txt").write_text("gray.png gray.png 1\n" * 4)
    with open(folder / "none.txt", "a") as file:
        file.write("gray.png gray.png 0\n" * 4)
    words = ("pairs", *inputs(folder, "none.txt"), "--folds", "8")
    code, out, err = call(capsys, *words)
    assert (code, out) == (1, "")
    assert "None of the 1 photos" in err.splitlines()[-1]


def wrong(folder, tmp_path, landmarks):
    """Arguments that fail, and what the message says."""
    good = folder / "images", folder / "pairs.txt"
    bad_list = tmp_path / "bad.txt"
    bad_list.write_text("2 2\nEileen 1 2\nGrace one 3\n")
    alien = tmp_path / "alien.txt"
    alien.write_text("1 1\nEileen 1 9\nEileen 1 Nobody 1\n")
    shape = tmp_path / "shape.npz"
    np.savez(shape, names=["a"], landmarks=np.zeros((1, 68, 2)))
    names = tmp_path / "names.npz"
    np.savez(names, names=["a.jpg"], landmarks=np.ones((1, 5, 2)))
    far = tmp_path / "far.npz"
    with np.load(landmarks) as archive:
        np.savez(
            far, names=archive["names"], landmarks=archive["landmarks"] + 9999
        )
    return [
        (tmp_path / "no", good[1], [], "No such folder of images"),
        (good[0], tmp_path / "no.txt", [], "No such file of pairs"),
        (good[0], bad_list, [], "bad.txt, line 3: expected a name"),
        (good[0], alien, [], "2 of 3 photos are missing"),
        (*good, ["--landmarks", tmp_path / "no.npz"], "No such file of land"),
        (*good, ["--landmarks", shape], "must hold numbers of shape (1, 5, 2)"),
        (*good, ["--landmarks", bad_list], "not an .npz file"),
        (*good, ["--landmarks", names], "None of the 8 photos has landmarks"),
        (*good, ["--landmarks", far], "lie outside their photos"),
        (*good, ["--model", "no-such-net"], "no-such-net"),
        (*good, ["--folds", "9"], "`folds` must be"),
    ]


def test_wrong_input_is_one_line(folder, landmarks, tmp_path, capsys):
    for images, pairs, more, message in wrong(folder, tmp_path, landmarks):
        words = ("lfw", "--images", images, "--pairs", pairs, *more)
        code, out, err = call(capsys, *words)
        assert (code, out) == (1, "")
        last = err.splitlines()[-1]
        assert last.startswith("error: ")
        assert message in last


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["ijb-c", "--images", "a", "--pairs", "b"],
        ["ytf", "--images", "a"],
        ["ytf", "--pairs", "b"],
        ["ytf", "--images", "a", "--pairs", "b", "--protocol", "standard"],
        ["ytf", "--images", "a", "--pairs", "b", "--folds", "10"],
        ["ytf", "--images", "a", "--pairs", "b", "--max-frames", "0"],
        ["megaface", "--images", "a"],
        ["megaface", "--distractors", "a"],
        ["megaface", "--images", "a", "--distractors", "b", "--far", "1"],
        ["megaface", "--images", "a", "--distractors", "b", "--ranks", "0"],
        ["lfw", "--embeddings", "a", "--pairs", "b", "--images", "c"],
        ["lfw", "--embeddings", "a", "--pairs", "b", "--report", "c"],
        ["ytf", "--embeddings", "a", "--pairs", "b", "--landmarks", "c"],
        ["pairs", "--embeddings", "a", "--pairs", "b", "--model", "c"],
        ["lfw", "--images", "a"],
        ["lfw", "--pairs", "a"],
        ["lfw", "--images", "a", "--pairs", "b", "--folds", "1"],
        ["lfw", "--images", "a", "--pairs", "b", "--protocol", "pca"],
        ["lfw", "--images", "a", "--pairs", "b", "--distance", "l1"],
    ],
)
def test_wrong_usage_exits_2(words, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["evaluate", *words])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_choices_are_those_of_the_library():
    from keras_hypersphere.evaluation.input_checks import DISTANCES
    from keras_hypersphere.evaluation.lfw import PROTOCOLS
    from keras_hypersphere.evaluation.ytf import PROTOCOLS as VIDEO_PROTOCOLS
    from keras_hypersphere.zoo.alignment.selection import RULES

    assert set(evaluate.PROTOCOLS) == set(PROTOCOLS)
    assert set(evaluate.VIDEO_PROTOCOLS) == set(VIDEO_PROTOCOLS)
    assert set(evaluate.DISTANCES) == set(DISTANCES)
    assert set(evaluate.RULES) == set(RULES)
