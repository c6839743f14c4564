import numpy as np
import pytest

from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.selection import select_face


def face(left, top, width, height, confidence=0.9):
    return Face((left, top, width, height), np.zeros((5, 2)), confidence)


LARGE = face(0, 0, 30, 40)
MIDDLE = face(45, 45, 10, 10)
FACES = [MIDDLE, LARGE]


def test_rules():
    assert select_face(FACES, (100, 100)) is LARGE
    assert select_face(FACES, (100, 100, 3), "center") is MIDDLE
    # In a wider photo the same boxes: its middle is elsewhere.
    assert select_face(FACES, (40, 30), "center") is LARGE


def test_ties_go_to_the_more_confident():
    sure = face(60, 60, 30, 40, 0.99)
    assert select_face([LARGE, sure], (100, 100)) is sure
    assert select_face([sure, LARGE], (100, 100)) is sure


def test_errors():
    with pytest.raises(ValueError, match=r"largest, center.*'smallest'"):
        select_face(FACES, (9, 9), "smallest")
    with pytest.raises(ValueError, match="at least one"):
        select_face([], (9, 9))


def test_face_as_plain_values():
    assert LARGE.area == 1200
    assert LARGE.center == (15, 20)
    assert LARGE.as_dict() == {
        "box": [0.0, 0.0, 30.0, 40.0],
        "landmarks": [[0.0, 0.0]] * 5,
        "confidence": 0.9,
        "turn": 0,
    }
