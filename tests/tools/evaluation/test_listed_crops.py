import cv2
import numpy as np
import pytest

from keras_hypersphere.tools.evaluation import listed_crops
from keras_hypersphere.zoo.alignment import TEMPLATES
from keras_hypersphere.zoo.faces.aligned_faces import PhotoFaces

FACE = np.array([(30, 30), (50, 31), (40, 45), (33, 60), (48, 60.0)])


def test_landmarks_outside_are_told_from_a_face_cut_by_the_border():
    pixels = np.zeros((10, 20, 3), np.uint8)
    points = np.full((5, 2), 30.0)
    assert not listed_crops.is_inside(points, pixels)
    for corner in ((5.0, 5.0), (19.0, 9.0), (0.0, 0.0)):
        points[0] = corner
        assert listed_crops.is_inside(points, pixels)
    points[0] = 19.5, 9.0
    assert not listed_crops.is_inside(points, pixels)


@pytest.fixture
def noise(tmp_path):
    """Six photos."""
    pixels = np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8)
    names = [f"{index}.png" for index in range(6)]
    for name in names:
        assert cv2.imwrite(str(tmp_path / name), pixels)
    return names


def test_an_odd_row_of_landmarks_is_a_failure_of_its_photo(tmp_path, noise):
    landmarks = {name: FACE for name in noise}
    for odd in noise[:3]:
        landmarks[odd] = FACE + 9999
    results = list(listed_crops.crops_of(tmp_path, noise, "dlib", landmarks))
    reason = "all landmarks lie outside the photo of 80 x 90 pixels"
    assert [getattr(x, "reason", None) for x in results] == (
        [reason] * 3 + [None] * 3
    )


def test_landmarks_of_other_photos_are_refused(tmp_path, noise):
    landmarks = {name: FACE + 9999 for name in noise}
    landmarks[noise[0]] = landmarks[noise[1]] = FACE
    landmarks["another.png"] = FACE
    found = listed_crops.crops_of(tmp_path, noise, "dlib", landmarks)
    with pytest.raises(ValueError, match=r"Most landmarks lie outside.*5\.png"):
        list(found)
    # Photos without landmarks do not speak for the others.
    del landmarks[noise[0]], landmarks[noise[1]], landmarks[noise[2]]
    with pytest.raises(ValueError, match="Most landmarks"):
        list(listed_crops.crops_of(tmp_path, noise, "dlib", landmarks))


def test_detection_ends_when_nobody_takes_the_crops(tmp_path, monkeypatch):
    """Threads that wait for the garbage collector hang at the exit."""
    ended = []

    def align_photos(named, *_, **__):
        try:
            for photo, _ in named:
                yield PhotoFaces(photo, [], ValueError(photo))
        finally:
            ended.append(True)

    monkeypatch.setattr(listed_crops, "align_photos", align_photos)
    found = listed_crops.crops_of(tmp_path, ["a.png", "b.png"], "dlib")
    assert next(found).reason == "a.png"
    found.close()
    assert ended == [True]


def test_landmarks_give_no_box(tmp_path):
    landmarks = {"a.png": np.ones((5, 2))}
    with pytest.raises(ValueError, match=r"'facenet' is.*Leave out --landmar"):
        next(listed_crops.crops_of(tmp_path, ["a.png"], "facenet", landmarks))


def test_a_photo_is_cropped_by_landmarks_of_every_other_kind(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (90, 80, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / "a.png"), noise)
    points = np.array([(30, 30), (50, 31), (40, 45), (33, 60), (48, 60.0)])
    for name, template in TEMPLATES.items():
        if not template.needs_box:
            found = listed_crops.crops_of(
                tmp_path, ["a.png", "b.png"], name, {"a.png": points}
            )
            crop, none = found
            assert crop.shape == (*template.size, 3)
            assert none.reason == "no landmarks"
