"""The page from scores alone; the verb's test covers the way there."""

import cv2
import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.evaluation import PairList, lfw
from keras_hypersphere.tools.reports.hardest import hardest_pairs, picture
from keras_hypersphere.tools.reports.page import write_report

PAIRS = 40


@pytest.fixture
def measured(tmp_path):
    """Pairs of flat photos, each its own shade; one pair failed."""
    random = np.random.default_rng(0)
    same = np.arange(PAIRS) // 4 % 2 == 0
    left = random.normal(size=(PAIRS, 4))
    right = np.where(same[:, None], left, 0) + random.normal(size=left.shape)
    failed = np.arange(PAIRS) == 7
    report = lfw(left, right, same, folds=5, distance="l2", failed=failed)
    images = tmp_path / "images"
    images.mkdir()
    names = [f"a&b <{index}>.png" for index in range(PAIRS + 1)]
    for index, name in enumerate(names):
        photo = np.full((40, 20 + index, 3), 5 * index, np.uint8)
        cv2.imwrite(str(images / name), photo)
    return report, PairList(names[:-1], names[1:], same), images


@pytest.mark.parametrize("alike", [True, False])
def test_hardest_pairs_are_the_farthest_on_the_wrong_side(measured, alike):
    report, pairs, _ = measured
    shown = hardest_pairs(report, pairs.same, alike, 5)
    thresholds = report.thresholds[report.fold_of_pair]
    wrong_by = {
        index: (report.scores[index] - thresholds[index]) * (1 if alike else -1)
        for index in range(PAIRS)
        if pairs.same[index] == alike and np.isfinite(report.scores[index])
    }
    expected = sorted(wrong_by, key=wrong_by.get, reverse=True)[:5]
    assert shown == expected
    assert 7 not in hardest_pairs(report, pairs.same, alike, PAIRS)


def test_hardest_pairs_of_cosines_are_the_other_way_round():
    angles = np.radians([10, 50, 30, 80, 60, 70, 20, 55])
    same = np.array([1, 0, 1, 0, 1, 0, 1, 0], bool)
    right = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    report = lfw(np.tile([1.0, 0.0], (8, 1)), right, same, folds=2)
    assert hardest_pairs(report, same, True, 1) == [4]
    assert hardest_pairs(report, same, False, 1) == [1]


def test_a_picture_shows_both_photos(measured):
    _, pairs, images = measured
    pixels = picture(images, pairs, 20)
    assert pixels.shape == (160, 326, 3)
    assert (pixels[80, 80] == 100).all()
    assert (pixels[80, 246] == 105).all()


def test_page_escapes_names_and_lists_failures(measured, tmp_path):
    report, pairs, images = measured
    found = {
        "pairs": PAIRS,
        "photos": PAIRS + 1,
        "faces": "landmarks",
        "photos_without_embedding": {"x<y.png": "no <face>"},
        "pairs_lost": 1,
    }
    card = zoo.get_card("dlib-resnet")
    page = write_report(
        tmp_path / "out", report, pairs, images, card, found, "typed <words>"
    )
    text = page.read_text(encoding="utf-8")
    assert "typed &lt;words&gt;" in text
    assert "x&lt;y.png<td>no &lt;face&gt;" in text
    assert "a&amp;b &lt;" in text
    assert "<face>" not in text
    assert f"{report.accuracy:.2%}" in text
    assert all(f"{fold:.2%}" in text for fold in report.folds)
    assert text.count("class=wrong>wrong") > 0
    assert card.licence in text
    assert not list((tmp_path / "out").glob("*.part"))
