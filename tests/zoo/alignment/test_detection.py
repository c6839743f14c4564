"""The real detector on real portraits; a few calls only, it is slow."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.alignment import detection, worker
from keras_hypersphere.zoo.alignment.detection import (
    LONGEST_SIDE,
    by_shape,
    detect,
    detect_many,
)
from keras_hypersphere.zoo.alignment.detector import search
from keras_hypersphere.zoo.alignment.worker import DetectorProcess

SAMPLES = Path(images.__file__).parent / "samples"
COLLINS = images.read(SAMPLES / "eileen_collins.png")
# Seen by eye in the portrait: eyes, nose, corners of the mouth.
LANDMARKS = [(204, 101), (246, 103), (223, 126), (203, 140), (244, 142)]


def test_finds_the_face_of_a_portrait(capfd):
    (face,) = detect(COLLINS)
    np.testing.assert_allclose(face.landmarks, LANDMARKS, atol=4)
    left, top, width, height = face.box
    assert left < 204 < 246 < left + width
    assert top < 101 < 142 < top + height
    assert 0.99 < face.confidence <= 1
    # The detector's talk is not the caller's result.
    assert capfd.readouterr().out == ""


def test_finds_two_faces_side_by_side():
    both = np.concatenate([COLLINS[:300, 60:380], COLLINS[:300, 60:380]], 1)
    faces = sorted(detect(both), key=lambda face: face.box[0])
    assert len(faces) == 2
    np.testing.assert_allclose(
        faces[1].landmarks - faces[0].landmarks, [(320, 0)] * 5, atol=2
    )


def test_large_photo_is_searched_smaller(monkeypatch):
    small = detect(COLLINS)[0]
    twice = cv2.resize(COLLINS, (1024, 1024), interpolation=cv2.INTER_CUBIC)
    monkeypatch.setattr(detection, "LONGEST_SIDE", 512)
    (large,) = detect(twice)
    np.testing.assert_allclose(
        large.landmarks, (small.landmarks + 0.5) * 2 - 0.5, atol=2
    )
    np.testing.assert_allclose(
        large.box[2:], np.multiply(small.box[2:], 2), 0.05
    )


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 400, 3), (100, 80, 3)])
def test_no_face_gives_an_empty_list(shape):
    assert detect(np.full(shape, 128, np.uint8)) == []


@pytest.mark.parametrize(
    "image", [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3))]
)
def test_refuses_other_arrays(image):
    with pytest.raises(ValueError, match="`image` must be a uint8 array"):
        detect(image)


def test_batches_find_what_single_photos_show():
    portrait = COLLINS[:300, :300]
    blank = np.full_like(portrait, 90)
    photos = [portrait, blank, portrait[:, ::-1].copy(), portrait[:290]]
    expected = [detect(photo) for photo in photos]
    assert [len(faces) for faces in expected] == [1, 0, 1, 1]
    for given, faces in zip(expected, detect_many(photos), strict=True):
        assert len(given) == len(faces)
        for one, other in zip(given, faces, strict=True):
            # The detector rounds boxes: noise may cost one pixel.
            np.testing.assert_allclose(one.landmarks, other.landmarks, atol=1.5)
            assert one.confidence == pytest.approx(other.confidence, abs=0.02)


def test_nothing_gives_nothing():
    blank = np.full((80, 80, 3), 90, np.uint8)
    assert detect_many([blank, blank]) == [[], []]
    assert detect_many([]) == []
    with pytest.raises(ValueError, match="`image` must be a uint8 array"):
        detect_many([np.zeros((9, 9)), np.zeros((9, 9))])


def test_groups_photos_of_one_size():
    small = np.zeros((4, 5, 3), np.uint8)
    wide = np.zeros((4, 6, 3), np.uint8)
    large = np.zeros((1, LONGEST_SIDE + 1, 3), np.uint8)
    photos = [small, wide, small, large, large]
    assert by_shape(photos) == [[0, 2], [1], [3], [4]]
    assert by_shape([np.zeros((1000, 1600, 3), np.uint8)] * 5) == [
        [0, 1],
        [2, 3],
        [4],
    ]


@pytest.mark.only_on("tensorflow", reason="the detector is TensorFlow's")
@pytest.mark.slow
def test_process_gives_the_same_rows_and_starts_again():
    process = DetectorProcess()
    try:
        rows = process.search(COLLINS)
        np.testing.assert_allclose(rows, search(COLLINS), rtol=1e-5)
        both = np.stack([COLLINS, COLLINS])
        np.testing.assert_allclose(
            process.search(both), search(both), rtol=1e-5
        )
        process.process.kill()
        process.process.wait()
        empty = process.search(np.zeros((40, 40, 3), np.uint8))
        assert empty.shape == (0, 15)
        # A terminal's Ctrl-C reaches the processes of one session.
        assert os.getsid(process.process.pid) != os.getsid(0)
    finally:
        process.close()
    assert process.process is None


@pytest.mark.slow
def test_an_answer_is_not_taken_for_that_of_the_next_photo(monkeypatch):
    """Ctrl-C while the worker searches."""
    process = DetectorProcess()
    try:
        process.search(COLLINS[:50, :50])
        with monkeypatch.context() as patch:

            def stop(pipe):
                raise KeyboardInterrupt

            patch.setattr(worker, "receive", stop)
            with pytest.raises(KeyboardInterrupt):
                process.search(COLLINS)
        empty = process.search(np.zeros((40, 40, 3), np.uint8))
        assert empty.shape == (0, 15)
    finally:
        process.close()


@pytest.mark.only_on("tensorflow", reason="the other tests show it")
@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.slow
def test_other_backends_detect_in_a_process(backend):
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    program = (
        "import sys, keras\n"
        "from keras_hypersphere.zoo import images\n"
        "from keras_hypersphere.zoo.alignment import detect, detect_many\n"
        "photo = images.read(sys.argv[1])\n"
        "(face,) = detect(photo)\n"
        "(one,), (other,) = detect_many([photo, photo])\n"
        "print(keras.config.backend(), *face.landmarks.ravel(),\n"
        "      *one.landmarks.ravel(), *other.landmarks.ravel())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, SAMPLES / "eileen_collins.png"],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    name, *numbers = done.stdout.split()
    assert name == backend
    alone, *batch = np.reshape(numbers, (3, 5, 2)).astype(float)
    landmarks = detect(COLLINS)[0].landmarks
    np.testing.assert_allclose(alone, landmarks, atol=1e-3)
    for found in batch:
        np.testing.assert_allclose(found, landmarks, atol=1.5)


def test_backend_of_this_process():
    if keras.config.backend() == "tensorflow":
        assert detection.finder() is search
