"""YuNet on real portraits: what is found, where, and which way up."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.alignment import (
    FaceDetector,
    detect,
    face_detector,
    mtcnn_search,
)

SAMPLES = Path(zoo.__file__).parent / "samples"
COLLINS = images.read(SAMPLES / "eileen_collins.png")
HOPPER = images.read(SAMPLES / "grace_hopper.jpg")
# Seen by eye in the portrait: eyes, nose, corners of the mouth.
LANDMARKS = [(204, 101), (246, 103), (223, 126), (203, 140), (244, 142)]
# `np.rot90` of a photo by so many quarters is upright again after this turn.
TURNS = {0: 0, 1: 270, 2: 180, 3: 90}


def turned(photo, quarters):
    return np.ascontiguousarray(np.rot90(photo, quarters))


def turned_points(points, shape, quarters):
    """Where points of a photo lie after `np.rot90`, one quarter a time."""
    height, width = shape[:2]
    for _ in range(quarters):
        points = np.stack([points[:, 1], width - 1 - points[:, 0]], axis=1)
        height, width = width, height
    return points


def test_finds_the_face_of_a_portrait(capfd):
    (face,) = detect(COLLINS)
    # A sixteenth of the face's width.
    np.testing.assert_allclose(face.landmarks, LANDMARKS, atol=6)
    left, top, width, height = face.box
    assert left < 204 < 246 < left + width
    assert top < 101 < 142 < top + height
    assert 0.9 < face.confidence <= 1 and face.turn == 0
    assert capfd.readouterr() == ("", "")


def test_finds_two_faces_side_by_side():
    both = np.concatenate([COLLINS[:300, 60:380], COLLINS[:300, 60:380]], 1)
    faces = sorted(detect(both), key=lambda face: face.box[0])
    assert len(faces) == 2
    np.testing.assert_allclose(
        faces[1].landmarks - faces[0].landmarks, [(320, 0)] * 5, atol=2
    )
    assert faces[0].confidence != faces[1].confidence
    best = detect(both)
    assert best[0].confidence > best[1].confidence
    between = (best[0].confidence + best[1].confidence) / 2
    assert len(detect(both, min_confidence=between)) == 1


def test_large_photo_is_searched_smaller(monkeypatch):
    small = detect(COLLINS)[0]
    twice = cv2.resize(COLLINS, (1024, 1024), interpolation=cv2.INTER_CUBIC)
    sides = []
    find, usual = face_detector.DETECTORS["yunet"]

    def watched(image, least):
        sides.append(max(image.shape))
        return find(image, least)

    monkeypatch.setitem(face_detector.DETECTORS, "yunet", (watched, usual))
    monkeypatch.setattr(face_detector, "LONGEST_SIDE", 512)
    (large,) = detect(twice)
    assert sides == [640]  # It is never less.
    np.testing.assert_allclose(
        large.landmarks, (small.landmarks + 0.5) * 2 - 0.5, atol=12
    )
    np.testing.assert_allclose(
        large.box[2:], np.multiply(small.box[2:], 2), 0.05
    )


def test_min_size_decides_what_is_searched_and_found():
    (face,) = detect(COLLINS)
    side = min(face.box[2:])
    assert len(detect(COLLINS, min_size=side - 2)) == 1
    assert detect(COLLINS, min_size=side + 2) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 400, 3), (100, 80, 3)])
def test_no_face_gives_an_empty_list(shape):
    assert detect(np.full(shape, 128, np.uint8)) == []


@pytest.mark.parametrize("shape", [(1, 1), (5, 400), (32, 400), (31, 31)])
def test_nothing_is_found_in_what_was_in_memory(shape):
    """Photos of 32 pixels or fewer, again and again."""
    for value in range(0, 250, 5):
        assert detect(np.full((*shape, 3), value, np.uint8), turn=0) == []


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3))]
)
def test_refuses_other_arrays(image):
    with pytest.raises(ValueError, match="`image` must be a uint8 array"):
        detect(image)


@pytest.mark.parametrize("quarters", [1, 2, 3])
@pytest.mark.parametrize("photo", [COLLINS[:400, 30:420], HOPPER])
def test_a_photo_that_lies_on_its_side(photo, quarters):
    """The face of the upright photo, where it lies now."""
    (upright,) = detect(photo)
    on_side = turned(photo, quarters)
    (face,) = detect(on_side)
    assert face.turn == TURNS[quarters]
    expected = turned_points(upright.landmarks, photo.shape, quarters)
    np.testing.assert_allclose(face.landmarks, expected, atol=1e-3)
    left, top, width, height = upright.box
    corners = np.array([(left, top), (left + width, top + height)])
    corners = turned_points(corners, photo.shape, quarters)
    np.testing.assert_allclose(
        face.box, (*corners.min(0), *np.ptp(corners, 0)), atol=1e-3
    )
    (told,) = detect(on_side, turn=TURNS[quarters])
    np.testing.assert_array_equal(told.landmarks, face.landmarks)
    # Whoever knows that photos are upright says so.
    assert all(other.turn == 0 for other in detect(on_side, turn=0))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: cv2.resize(x, (64, 64), interpolation=cv2.INTER_AREA),
        lambda x: cv2.resize(x, (128, 128), interpolation=cv2.INTER_AREA),
        lambda x: cv2.GaussianBlur(x, (0, 0), 8),
        lambda x: (x * 0.15).astype(np.uint8),
    ],
    ids=["tiny", "small", "blurred", "dark"],
)
def test_bad_upright_photos_stay_upright(change):
    (face,) = detect(change(COLLINS[:350, 40:390]))
    assert face.turn == 0


def test_threads_find_the_same():
    (expected,) = detect(COLLINS)
    found = []

    def work():
        for _ in range(5):
            found.append(detect(COLLINS)[0].landmarks)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for landmarks in found:
        np.testing.assert_array_equal(landmarks, expected.landmarks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "haar"}, "`detector` must be one of yunet, mtcnn"),
        ({"min_confidence": 1.1}, "`min_confidence` must be .* from 0 to 1"),
        ({"min_confidence": True}, "`min_confidence`"),
        ({"min_size": -1}, "`min_size` must be None or a number 0 or more"),
        ({"min_size": np.nan}, "`min_size`"),
        ({"turn": 45}, "`turn` must be 'auto', 0, 90, 180 or 270"),
        ({"turn": False}, "`turn`"),
        ({"turn": [0]}, "`turn`"),
    ],
)
def test_refused(options, message):
    with pytest.raises(ValueError, match=message):
        FaceDetector(**options)


def test_legacy_keras_is_told(monkeypatch):
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    mtcnn_search.mtcnn.cache_clear()
    with pytest.raises(RuntimeError, match=r"unset it, or take.*yunet"):
        mtcnn_search.mtcnn()
    assert len(detect(COLLINS)) == 1
