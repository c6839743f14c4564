"""Ranks and rates, as a page and as pictures."""

import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.evaluation import megaface
from keras_hypersphere.tools.evaluation.probes import curve_far
from keras_hypersphere.tools.reports import (
    distractors_figures,
    distractors_page,
)

LABELS = np.repeat(np.arange(12), 3)
DISTRACTORS = 200


def measure(ranks=10, distance="cosine"):
    random = np.random.default_rng(0)
    probes = random.normal(size=(12, 8))[LABELS]
    probes = probes + 0.8 * random.normal(size=probes.shape)
    distractors = random.normal(size=(DISTRACTORS, 8))
    far = curve_far(len(probes) * DISTRACTORS)
    return megaface(probes, LABELS, distractors, ranks, far, distance)


def found_of(report, far):
    return {
        "different_pairs": report.pairs,
        "persons": 12,
        "far": far,
        "tar": report.tar_at(far),
        "threshold": report.threshold_at(far),
        "faces": "landmarks",
        "photos_without_embedding": {"a<b.jpg": "no face"},
        "distractors_without_embedding": {},
        "command": "typed <words>",
    }


def test_page_holds_the_figures():
    report = measure()
    card = zoo.get_card("dlib-resnet")
    text = distractors_page.draw(report, card, found_of(report, 1e-2))
    assert 0 < report.rank_1 < report.ranks[-1] <= 1
    assert f"<b>{report.rank_1:.2%}</b><span>rank 1<" in text
    assert f"<b>{report.ranks[-1]:.2%}</b><span>rank 10<" in text
    assert f"<td class=n>5<td class=n>{report.ranks[4]:.3%}" in text
    for far in (1e-3, 1e-2, 1e-1):
        row = f"<td class=n>{far:g}<td class=n>{report.tar_at(far):.3%}"
        assert f"{row}<td class=n>{report.threshold_at(far):.4f}" in text
    assert "<td class=n>0.0001" not in text
    assert "36 probes of 12 persons among 200 distractors" in text
    assert "a&lt;b.jpg<td>no face" in text
    assert "Distractors without" not in text
    assert "too few" not in text
    assert card.licence in text
    assert "typed &lt;words&gt;" in text
    assert text.count('<svg role="img" aria-label="') == 2
    assert f"{report.ranks[4]:.2%} up to rank 5" in text
    assert f"{report.tar_at(0.01):.2%} at 0.01" in text


def test_a_rate_below_what_the_pairs_allow_is_said():
    report = measure(ranks=1)
    card = zoo.get_card("dlib-resnet")
    text = distractors_page.draw(report, card, found_of(report, 1e-6))
    assert "7,200 pairs of a probe and a distractor are too few" in text
    assert "FAR of 1e-06, which takes 1,000,000" in text
    assert text.count("<span>rank 1<") == 1


@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_pictures_show_the_curves(distance):
    report = measure(distance=distance)
    [axes] = distractors_figures.identification(report).axes
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), report.ranks)
    [axes] = distractors_figures.verification(report, 0.01).axes
    far, tar = axes.lines[0].get_data()
    # Every pair but one is accepted at the end of the curve.
    assert len(far) == report.pairs
    np.testing.assert_array_equal(far[1:], np.arange(1, 7200) / 7200)
    assert tar[72] == report.tar_at(0.01)
    [mark] = axes.lines[1].get_xydata()
    assert tuple(mark) == (0.01, report.tar_at(0.01))


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (1, [1]),
        (4, [1, 2, 4]),
        (10, [1, 2, 5, 10]),
        (120, [1, 2, 5, 10, 20, 50, 100, 120]),
    ],
)
def test_ranks_of_the_table(last, expected):
    assert distractors_page.round_numbers(last) == expected


def test_scores_that_are_kept():
    assert curve_far(7200) == 7199 / 7200
    assert curve_far(0) == 0
    assert curve_far(3530 * 10**6) * 3530 * 10**6 == pytest.approx(2**17)
