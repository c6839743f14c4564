import cv2
import numpy as np
import pytest

from keras_hypersphere.tools.evaluation import crops
from keras_hypersphere.zoo.alignment import TEMPLATES


def test_landmarks_of_other_photos_are_refused():
    pixels = np.zeros((10, 20, 3), np.uint8)
    points = np.full((5, 2), 30.0)
    with pytest.raises(ValueError, match=r"a\.jpg lie outside.*20 x 10"):
        crops.require_inside(points, pixels, "a.jpg")
    # A face cut by the border is no error.
    points[0] = 5.0
    crops.require_inside(points, pixels, "a.jpg")
    points[0] = 19.0, 9.0
    crops.require_inside(points, pixels, "a.jpg")


def test_landmarks_give_no_box(tmp_path):
    landmarks = {"a.png": np.ones((5, 2))}
    with pytest.raises(ValueError, match=r"'facenet' is.*Leave out --landmar"):
        next(crops.crops_of(tmp_path, ["a.png"], "facenet", landmarks))


def test_a_photo_is_cropped_by_landmarks_of_every_other_kind(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / "a.png"), noise)
    points = np.array([(30, 30), (50, 31), (40, 45), (33, 60), (48, 60.0)])
    for name, template in TEMPLATES.items():
        if not template.needs_box:
            found = crops.crops_of(
                tmp_path, ["a.png", "b.png"], name, {"a.png": points}
            )
            crop, none = found
            assert crop.shape == (*template.size, 3)
            assert none.reason == "no landmarks"
