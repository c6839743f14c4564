from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.tools.evaluation.detection import by_shape, detect_many
from keras_hypersphere.zoo.alignment.detection import LONGEST_SIDE

SAMPLES = Path(zoo.__file__).parent / "samples"


def test_batches_find_what_single_photos_show():
    portrait = zoo.images.read(SAMPLES / "eileen_collins.png")[:300, :300]
    blank = np.full_like(portrait, 90)
    photos = [portrait, blank, portrait[:, ::-1].copy(), portrait[:290]]
    expected = [zoo.alignment.detect(photo) for photo in photos]
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


def test_groups_photos_of_one_size():
    small, wide = np.zeros((4, 5, 3)), np.zeros((4, 6, 3))
    large = np.zeros((1, LONGEST_SIDE + 1, 3))
    photos = [small, wide, small, large, large]
    assert by_shape(photos) == [[0, 2], [1], [3], [4]]
