"""mtcnn on a real portrait; it is slow, and so are these tests."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.zoo.alignment import detect, worker
from keras_hypersphere.zoo.alignment.mtcnn_detector import searcher
from keras_hypersphere.zoo.alignment.mtcnn_search import search
from keras_hypersphere.zoo.alignment.worker import DetectorProcess
from tests.zoo.alignment.test_detection import COLLINS, LANDMARKS

pytestmark = pytest.mark.slow
PORTRAIT = Path(zoo.__file__).parent / "samples" / "eileen_collins.png"


def test_finds_the_face_of_a_portrait(capfd):
    (face,) = detect(COLLINS, "mtcnn")
    np.testing.assert_allclose(face.landmarks, LANDMARKS, atol=4)
    left, top, width, height = face.box
    assert left < 204 < 246 < left + width
    assert top < 101 < 142 < top + height
    assert 0.99 < face.confidence <= 1 and face.turn == 0
    # The detector's talk is not the caller's result.
    assert capfd.readouterr().out == ""
    assert detect(COLLINS, "mtcnn", min_confidence=1.0) == []
    assert detect(np.full((100, 80, 3), 128, np.uint8), "mtcnn") == []


@pytest.mark.only_on("tensorflow", reason="the detector is TensorFlow's")
def test_process_gives_the_same_rows_and_starts_again():
    assert searcher() is search
    process = DetectorProcess()
    try:
        rows = process.search(COLLINS)
        np.testing.assert_allclose(rows, search(COLLINS), rtol=1e-5)
        process.process.kill()
        process.process.wait()
        empty = process.search(np.zeros((40, 40, 3), np.uint8))
        assert empty.shape == (0, 15)
        # A terminal's Ctrl-C reaches the processes of one session.
        assert os.getsid(process.process.pid) != os.getsid(0)
    finally:
        process.close()
    assert process.process is None


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
def test_other_backends_detect_in_a_process(backend):
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    program = (
        "import sys, keras\n"
        "from keras_hypersphere.zoo import images\n"
        "from keras_hypersphere.zoo.alignment import detect\n"
        "(face,) = detect(images.read(sys.argv[1]), 'mtcnn')\n"
        "print(keras.config.backend(), *face.landmarks.ravel())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, PORTRAIT],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    name, *numbers = done.stdout.split()
    assert name == backend
    found = np.reshape(numbers, (5, 2)).astype(float)
    landmarks = detect(COLLINS, "mtcnn")[0].landmarks
    np.testing.assert_allclose(found, landmarks, atol=1e-3)
