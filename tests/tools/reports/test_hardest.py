"""Which pairs are shown, and how."""

import cv2
import numpy as np
import pytest

from keras_hypersphere.evaluation import lfw, ytf
from keras_hypersphere.tools.reports.hardest import (
    UNREADABLE,
    hardest_pairs,
    picture,
)


@pytest.mark.parametrize("alike", [True, False])
def test_hardest_pairs_are_the_farthest_on_the_wrong_side(measured, alike):
    report, pairs, _ = measured
    shown = hardest_pairs(report, pairs.same, alike, 5)
    thresholds = report.thresholds[report.fold_of_pair]
    wrong_by = {
        index: (report.scores[index] - thresholds[index]) * (1 if alike else -1)
        for index in range(len(pairs))
        if pairs.same[index] == alike and np.isfinite(report.scores[index])
    }
    expected = sorted(wrong_by, key=wrong_by.get, reverse=True)[:5]
    assert shown == expected
    assert 7 not in hardest_pairs(report, pairs.same, alike, len(pairs))


def test_hardest_pairs_of_cosines_are_the_other_way_round():
    angles = np.radians([10, 50, 30, 80, 60, 70, 20, 55])
    same = np.array([1, 0, 1, 0, 1, 0, 1, 0], bool)
    right = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    report = lfw(np.tile([1.0, 0.0], (8, 1)), right, same, folds=2)
    assert hardest_pairs(report, same, True, 1) == [4]
    assert hardest_pairs(report, same, False, 1) == [1]


def test_decision_values_are_large_for_the_same_person_too():
    random = np.random.default_rng(1)
    people = random.normal(size=(40, 8))
    videos = [p + 0.8 * random.normal(size=(4, 8)) for p in people]
    same = np.arange(40) % 2 == 0
    others = [videos[i if same[i] else i - 1][::-1] for i in range(40)]
    report = ytf(videos, others, same, folds=4, protocol="histogram")
    assert report.distance == "decision"
    [lowest] = hardest_pairs(report, same, True, 1)
    [highest] = hardest_pairs(report, same, False, 1)
    assert report.scores[lowest] == report.scores[same].min()
    assert report.scores[highest] == report.scores[~same].max()


def test_a_picture_shows_both_photos(measured):
    _, pairs, images = measured
    pixels = picture(images / pairs.left[20], images / pairs.right[20])
    assert pixels.shape == (160, 326, 3)
    assert (pixels[80, 80] == 100).all()
    assert (pixels[80, 246] == 105).all()


def test_half_a_photo_is_shown_and_none_is_gray(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    noise[:40] = 20
    _, data = cv2.imencode(".jpg", noise)
    (tmp_path / "half.jpg").write_bytes(data.tobytes()[: len(data) * 2 // 3])
    (tmp_path / "text.jpg").write_text("no photo")
    pixels = picture(tmp_path / "half.jpg", tmp_path / "text.jpg")
    assert abs(pixels[30, 80].astype(int) - 20).max() < 8
    assert (pixels[:, 166:] == UNREADABLE).all()
    pixels = picture(tmp_path / "gone.jpg", tmp_path / "half.jpg")
    assert (pixels[:, :160] == UNREADABLE).all()
