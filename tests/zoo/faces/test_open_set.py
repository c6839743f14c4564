"""The formula against counting, and what it is to be safe from."""

import numpy as np
import pytest

from keras_hypersphere.zoo.faces.open_set import (
    grouping_threshold,
    open_set_threshold,
)
from keras_hypersphere.zoo.faces.rates import RateCurve
from tests.zoo.faces.stand_in import RATES, card

CURVE = RateCurve(RATES)
UNKNOWN = RateCurve(())


def share(threshold, others, people, curve, rate):
    """`F` of the docstring, counted in loops."""
    limit = curve.rejecting(1 / 3) or 0.0
    mine = {}
    for distance, person in zip(others, people, strict=True):
        if limit <= distance < np.inf:
            mine.setdefault(person, []).append(distance)
    own = own_share(mine, threshold, np.less)
    if not curve.known:
        return own
    compared = len(others)
    for median in sorted(d for each in mine.values() for d in each):
        if own_share(mine, median, np.less_equal) >= 0.5:
            break
    if mine and median <= RATES[-1]["threshold"]:
        matched = np.log(0.5) / np.log(1 - curve.far(median))
        logs = 4 * np.log(compared) + len(mine) * np.log(matched)
        compared = np.exp(logs / (4 + len(mine)))
    by_card = 1 - (1 - curve.far(threshold)) ** compared
    weight = 3 / rate
    return (weight * by_card + len(mine) * own) / (weight + len(mine))


def own_share(mine, threshold, nearer):
    shares = [
        sum(nearer(d, threshold) for d in each) / len(each)
        for each in mine.values()
    ]
    return sum(shares) / max(len(mine), 1)


@pytest.mark.parametrize("rate", [0.3, 0.05, 0.01, 0.001])
@pytest.mark.parametrize("curve", [CURVE, UNKNOWN])
@pytest.mark.parametrize("count", [5, 400])
def test_largest_that_keeps_the_rate(rate, curve, count):
    draw = np.random.default_rng(count)
    low = {5: 0.6, 400: 0.5}[count]
    people = np.sort(draw.integers(0, max(count // 3, 2), count))
    others = draw.uniform(low, 0.9, count)
    found = open_set_threshold(rate, others, people, curve)
    assert share(found, others, people, curve, rate) <= rate * (1 + 1e-9)
    if not curve.known or found < RATES[-1]["threshold"] - 1e-9:
        assert share(found + 1e-9, others, people, curve, rate) > rate


def test_a_large_gallery_tells_itself():
    """Impostors of the same kind: the rate is what was asked for."""
    draw = np.random.default_rng(0)
    others, impostors = draw.normal(0.7, 0.05, (2, 20_000))
    found = open_set_threshold(0.01, others, np.arange(20_000), UNKNOWN)
    assert (impostors < found).mean() == pytest.approx(0.01, rel=0.2)


def test_a_small_gallery_is_told_by_the_card():
    """Five people far apart say nothing of a rate of 1 %."""
    others, people = np.full(5, 0.99), np.arange(5)
    found = open_set_threshold(0.01, others, people, CURVE)
    assert 1 - (1 - CURVE.far(found)) ** 5 == pytest.approx(0.01, rel=0.05)
    assert found < 0.75
    many = open_set_threshold(0.01, np.full(500, 0.99), np.arange(500), CURVE)
    assert many < found


def test_one_person_twice_does_not_close_the_gallery():
    """Two names with the same photo are at 0 from each other."""
    others = np.array([0.0, 0.0] + [0.8] * 98)
    people = np.arange(100)
    alike = open_set_threshold(0.01, others, people, CURVE)
    apart = open_set_threshold(0.01, others[2:], people[:98], CURVE)
    assert alike == pytest.approx(apart, abs=0.005)


def test_without_rates():
    others, people = np.array([0.5, 0.6, 0.9]), np.arange(3)
    assert open_set_threshold(
        0.01, others, people, UNKNOWN, 0.7
    ) == pytest.approx(0.5)
    assert open_set_threshold(
        0.01, others + 1, people, UNKNOWN, 0.7
    ) == pytest.approx(0.7)


def test_photos_of_a_person_count_once():
    """A person with a thousand photos is one of two."""
    others = np.array([0.75] * 1000 + [0.6])
    people = np.array([0] * 1000 + [1])
    found = open_set_threshold(0.4, others, people, UNKNOWN)
    assert found == pytest.approx(0.6)


def test_grouping():
    few, many = (
        grouping_threshold(card(rates=RATES), n, 0.01) for n in (2, 99)
    )
    assert CURVE.far(few) == pytest.approx(0.01, rel=1e-3)
    assert 1 - (1 - CURVE.far(many)) ** 98 == pytest.approx(0.01, rel=1e-3)
    assert grouping_threshold(card(), 50, 0.01) == 0.7
    assert grouping_threshold(card(rates=RATES), 1, 0.01) == few
    with pytest.raises(ValueError, match="is not known"):
        grouping_threshold(card(threshold=0.0), 50, 0.01)


def test_rates_that_are_none():
    for wrong in (0, 1, -0.1, 1.5, True, "0.01", None, float("nan")):
        with pytest.raises(ValueError, match="`false_identification_rate` mu"):
            open_set_threshold(wrong, np.ones(2), np.arange(2), CURVE)
