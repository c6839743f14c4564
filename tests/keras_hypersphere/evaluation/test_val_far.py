"""FaceNet's rates against its definitions, in loops."""

import math

import numpy as np
import pytest

from keras_hypersphere.evaluation import val_far


def pairs(seed=0, count=120, digits=1):
    random = np.random.default_rng(seed)
    same = random.random(count) < 0.5
    left = random.normal(size=(count, 3))
    right = np.where(
        same[:, None],
        left + 0.6 * random.normal(size=(count, 3)),
        random.normal(size=(count, 3)),
    )
    # Coarse numbers tie.
    return np.round(left, digits), np.round(right, digits), same


def distance(a, b, kind):
    squared = math.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    if kind == "squared-l2":
        return squared
    if kind == "l2":
        return math.sqrt(squared)
    norms = math.fsum(x * x for x in a) * math.fsum(x * x for x in b)
    dot = math.fsum(x * y for x, y in zip(a, b, strict=True))
    return -dot / math.sqrt(norms)


def oracle(values, same, far):
    """The largest VAL(d) with FAR(d) within `far`, `d` being any number."""
    val, reached = 0.0, 0.0
    for d in sorted(set(values)):
        accepted = [value <= d for value in values]
        kinds = list(zip(accepted, same, strict=True))
        false = sum(a and not s for a, s in kinds) / sum(not s for s in same)
        if false <= far:
            val = sum(a and s for a, s in kinds) / sum(same)
            reached = false
    return val, reached


@pytest.mark.parametrize("kind", ["squared-l2", "l2", "cosine"])
@pytest.mark.parametrize("far", [0.0, 1e-3, 0.1, 0.25, 1.0])
def test_agrees_with_loops(kind, far):
    left, right, same = pairs()
    report = val_far(left, right, same, folds=4, far=far, distance=kind)
    for split in range(4):
        mine = range(30 * split, 30 * split + 30)
        values = [
            distance(left[i].tolist(), right[i].tolist(), kind) for i in mine
        ]
        val, reached = oracle(values, same[list(mine)].tolist(), far)
        assert report.vals[split] == pytest.approx(val, abs=1e-12)
        assert report.fars[split] == pytest.approx(reached, abs=1e-12)
        # The threshold does what is said of it.
        limit = report.thresholds[split] * (-1 if kind == "cosine" else 1)
        accepted = np.array(values) <= limit
        assert np.mean(accepted[same[list(mine)]]) == report.vals[split]
    assert report.val == pytest.approx(np.mean(report.vals))
    assert report.far == pytest.approx(np.mean(report.fars))
    assert report.standard_error == pytest.approx(np.std(report.vals) / 2)


def test_by_hand():
    # Squared distances 1, 4, 9 | 4, 16 and 1, 1, 25 | 1, 4.
    left = np.zeros((10, 1))
    right = np.array([1, 2, 3, 2, 4, 1, 1, 5, 1, 2])[:, None]
    same = np.array([1, 1, 1, 0, 0] * 2)
    report = val_far(left, right, same, folds=2, far=0.5)
    # First split: d below 16 accepts all. Second: below 4, two of three.
    np.testing.assert_allclose(report.vals, [1, 2 / 3])
    assert report.fars.tolist() == [0.5, 0.5]
    assert report.thresholds.tolist() == [12.5, 2.5]
    assert report.val == pytest.approx(5 / 6)
    assert report.standard_error == pytest.approx(1 / 6 / math.sqrt(2))
    # Without a false accept: below 4, and below 1.
    report = val_far(left, right, same, folds=2, far=0.49)
    np.testing.assert_allclose(report.vals, [1 / 3, 0])
    assert report.far == 0.0


def test_failed_pairs_are_wrong_at_every_threshold():
    left, right, same = pairs(count=40)
    failed = np.zeros(40, bool)
    failed[np.flatnonzero(same)[0]] = True
    left[failed] = np.nan
    report = val_far(left, right, same, folds=1 + 1, far=1.0, failed=failed)
    assert report.vals[0] == pytest.approx(1 - 1 / same[:20].sum())
    assert report.vals[1] == 1.0
    # A failed different pair alone exceeds a rate of zero.
    left, right, same = pairs(count=40)
    failed = np.zeros(40, bool)
    failed[np.flatnonzero(~same)[0]] = True
    report = val_far(left, right, same, folds=2, far=0.0, failed=failed)
    assert report.vals[0] == 0.0
    assert report.fars[0] == pytest.approx(1 / (~same[:20]).sum())
    assert np.isfinite(report.thresholds).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"far": 1.1}, "`far` must be a finite number"),
        ({"far": math.nan}, "`far` must be a finite number"),
        ({"folds": 1}, "`folds` must be"),
        ({"distance": "l1"}, "`distance` must be"),
        ({"left": np.ones((120, 2))}, "one shape"),
        ({"same": np.arange(120) >= 60, "folds": 2}, "Split 1 must hold pairs"),
        ({"left": np.full((120, 3), np.nan)}, "`left` must hold finite"),
    ],
)
def test_refuses(change, message):
    left, right, same = pairs()
    arguments = {"left": left, "right": right, "same": same, **change}
    with pytest.raises(ValueError, match=message):
        val_far(**arguments)
