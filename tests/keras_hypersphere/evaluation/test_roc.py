import itertools
import math

import numpy as np
import pytest

from keras_hypersphere.evaluation import verification_report


def accepted_at(scores, threshold, larger):
    if larger:
        return [score >= threshold for score in scores]
    return [score <= threshold for score in scores]


def oracle(scores, same, larger):
    """Every decision, by trying a threshold at each score; plain loops."""
    scores = [float(score) for score in scores]
    positives = sum(1 for flag in same if flag)
    negatives = len(same) - positives
    tried = [math.inf if larger else -math.inf, *sorted(set(scores))]
    points = []
    best = 0.0
    for threshold in tried:
        accepted = accepted_at(scores, threshold, larger)
        pairs = list(zip(accepted, same, strict=True))
        true = sum(1 for a, s in pairs if a and s)
        false = sum(1 for a, s in pairs if a and not s)
        best = max(best, (true + negatives - false) / len(same))
        points.append((false / negatives, true / positives))
    points.sort()
    area = 0.0
    for score, flag in zip(scores, same, strict=True):
        for other, other_flag in zip(scores, same, strict=True):
            if flag and not other_flag:
                if score == other:
                    area += 0.5
                elif (score > other) == larger:
                    area += 1.0
    area /= positives * negatives
    eer = None
    for (f0, t0), (f1, t1) in itertools.pairwise(points):
        b0, b1 = f0 + t0 - 1, f1 + t1 - 1
        if b0 <= 0 <= b1:
            eer = f0 if b1 == b0 else f0 - b0 / (b1 - b0) * (f1 - f0)
            break
    return best, area, eer, points


def tar_oracle(points, far):
    return max(tar for fa, tar in points if fa <= far)


@pytest.mark.parametrize("larger", [True, False])
@pytest.mark.parametrize("digits", [1, 2, 8])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_loops(seed, digits, larger):
    random = np.random.default_rng(seed)
    same = random.random(60) < 0.4
    scores = np.round(random.normal(size=60) + same, digits)
    scores = scores if larger else -scores
    report = verification_report(scores, same, larger_is_same=larger)
    accuracy, area, eer, points = oracle(scores, same, larger)
    assert report.accuracy == pytest.approx(accuracy, abs=1e-12)
    assert report.auc == pytest.approx(area, abs=1e-12)
    assert report.eer == pytest.approx(eer, abs=1e-12)
    for far in (0.0, 0.01, 0.1, 0.3, 0.999, 1.0):
        assert report.tar_at(far) == pytest.approx(
            tar_oracle(points, far), abs=1e-12
        )
    accepted = accepted_at(scores, report.threshold, larger)
    assert np.mean(np.equal(accepted, same)) == report.accuracy


def test_every_threshold_gives_its_own_rates():
    random = np.random.default_rng(3)
    same = np.arange(40) % 2 == 0
    scores = np.round(random.normal(size=40) + same, 1)
    report = verification_report(scores, same)
    assert len(report.thresholds) == len(np.unique(scores)) + 1
    for threshold, far, tar in zip(
        report.thresholds, report.far, report.tar, strict=True
    ):
        accepted = scores >= threshold
        assert far == np.mean(accepted[~same])
        assert tar == np.mean(accepted[same])
        # Between two scores, so the strict comparison decides alike.
        assert np.array_equal(accepted, scores > threshold)


def test_by_hand():
    # Descending: S .9, D .8, S .7, D .1. Best: .9 alone or .9 to .7, each
    # with three of four right; the gap .7 to .1 is the widest.
    report = verification_report([0.9, 0.8, 0.7, 0.1], [1, 0, 1, 0])
    assert report.accuracy == 0.75
    assert report.threshold == pytest.approx(0.4)
    assert report.auc == 0.75
    assert report.eer == 0.5
    assert report.far.tolist() == [0.0, 0.0, 0.5, 0.5, 1.0]
    assert report.tar.tolist() == [0.0, 0.5, 0.5, 1.0, 1.0]
    assert [report.tar_at(far) for far in (0, 0.49, 0.5, 1)] == [
        0.5,
        0.5,
        1.0,
        1.0,
    ]
    assert report.threshold_at(0.5) == pytest.approx(0.4)


def test_equal_error_rate_lies_between_two_decisions():
    # FAR, FRR: (0, 1/3) then (1/2, 1/3) then (1/2, 0): they meet at 1/3.
    report = verification_report([5, 4, 3, 2, 1], [1, 1, 0, 1, 0])
    assert report.eer == pytest.approx(1 / 3)


@pytest.mark.parametrize("larger", [True, False])
@pytest.mark.parametrize("value", [0.0, -3.0, 1e-30, 7e8])
def test_constant_scores(value, larger):
    same = np.array([True, False, False])
    report = verification_report(np.full(3, value), same, larger)
    assert report.accuracy == pytest.approx(2 / 3)
    assert report.auc == 0.5
    assert report.eer == 0.5
    assert report.tar_at(0.99) == 0.0
    assert report.tar_at(1.0) == 1.0
    assert np.isfinite(report.thresholds).all()
    # The best answer is "nobody", in float32 too.
    scores = np.full(3, value, np.float32)
    accepted = accepted_at(scores, np.float32(report.threshold), larger)
    assert not any(accepted)


def test_ties_are_decided_alike():
    # Both scores of .5 or neither: never one of them.
    report = verification_report([0.9, 0.5, 0.5, 0.1], [1, 1, 0, 0])
    assert report.accuracy == 0.75
    assert report.auc == (1 + 1 + 1 + 0.5) / 4
    assert set(report.far) == {0.0, 0.5, 1.0}


def test_negated_scores_are_distances():
    random = np.random.default_rng(1)
    same = random.random(200) < 0.5
    scores = np.round(random.normal(size=200) + same, 1)
    one = verification_report(scores, same)
    other = verification_report(-scores, same, larger_is_same=False)
    assert one.threshold == -other.threshold
    assert (one.accuracy, one.auc, one.eer) == (
        other.accuracy,
        other.auc,
        other.eer,
    )
    assert np.array_equal(one.thresholds, -other.thresholds)


def test_adjacent_floats_are_parted():
    low = 1.0
    high = np.nextafter(low, 2.0)
    report = verification_report([high, low], [1, 0])
    assert report.accuracy == 1.0
    assert high >= report.threshold > low


def test_far_never_exceeds_the_target():
    # 0.29 * 100 is below 29 in float64, yet 29 of 100 is a FAR of 0.29.
    scores = np.arange(200)[::-1]
    same = np.arange(200) % 2 == 1
    report = verification_report(scores, same)
    assert report.tar_at(0.29) == 0.29
    assert report.tar_at(np.nextafter(0.29, 0)) == 0.28
    assert np.mean(scores[~same] >= report.threshold_at(0.29)) == 0.29


def test_failed_pairs_are_wrong_at_every_threshold():
    scores = [0.9, 0.8, np.nan, 0.1, 0.2, np.inf]
    same = [1, 1, 1, 0, 0, 0]
    failed = [0, 0, 1, 0, 0, 1]
    report = verification_report(scores, same, failed=failed)
    assert report.accuracy == pytest.approx(4 / 6)
    assert report.far.tolist() == pytest.approx([1 / 3] * 3 + [2 / 3, 1])
    assert report.tar.tolist() == pytest.approx([0, 1 / 3] + [2 / 3] * 3)
    # Two of three same pairs beat two of three different ones.
    assert report.auc == pytest.approx(4 / 9)
    assert report.eer == pytest.approx(1 / 3)
    assert report.tar_at(0.3) == 0.0
    with pytest.raises(ValueError, match="No threshold"):
        report.threshold_at(0.3)
    worst = verification_report([9, 8, -99, 1, 2, 99], same)
    assert report.auc == pytest.approx(worst.auc)


def test_agrees_with_scikit_learn():
    from sklearn.metrics import roc_auc_score, roc_curve

    random = np.random.default_rng(5)
    same = random.random(5000) < 0.3
    scores = np.round(random.normal(size=5000) + 1.5 * same, 2)
    report = verification_report(scores, same)
    assert report.auc == pytest.approx(roc_auc_score(same, scores), abs=1e-12)
    far, tar, _ = roc_curve(same, scores, drop_intermediate=False)
    np.testing.assert_allclose(report.far, far, atol=1e-15)
    np.testing.assert_allclose(report.tar, tar, atol=1e-15)


@pytest.mark.parametrize(
    ("scores", "same", "message"),
    [
        ([1.0, 2.0], [1, 1], "both kinds.*all of them same"),
        ([1.0, 2.0], [0, 0], "both kinds.*all of them different"),
        ([], [], "both kinds"),
        ([1.0, np.nan, 2.0], [1, 0, 0], "finite.*1 of 3.*index 1"),
        ([1.0, 2.0, -np.inf], [1, 0, 0], "finite.*index 2"),
        ([1.0, 2.0], [1, 0, 1], "`same` must hold one flag"),
        ([1.0, 2.0], [1, -1], "booleans, or 0 and 1"),
        ([1.0, 2.0], ["a", "b"], "booleans, or 0 and 1"),
        ([[1.0], [2.0]], [1, 0], "`scores` must be a vector"),
        (["a", "b"], [1, 0], "`scores` must be a vector"),
        ([1j, 2.0], [1, 0], "`scores` must be a vector"),
    ],
)
def test_refuses(scores, same, message):
    with pytest.raises(ValueError, match=message):
        verification_report(scores, same)


def test_refuses_rates_outside_zero_to_one():
    report = verification_report([1.0, 0.0], [1, 0])
    for far in (-0.1, 1.1, math.nan, "0.1", None):
        with pytest.raises(ValueError, match="`far` must be a finite number"):
            report.tar_at(far)


def test_refuses_when_all_pairs_failed():
    with pytest.raises(ValueError, match="all 2 pairs failed"):
        verification_report([1.0, 0.0], [1, 0], failed=[1, 1])
