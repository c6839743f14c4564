"""Embeddings that say nothing: their last digits are no scores."""

import ml_dtypes
import numpy as np
import pytest

from keras_hypersphere.evaluation import (
    angular_fisher_score,
    lfw,
    megaface,
    val_far,
    ytf,
)
from keras_hypersphere.evaluation.roc import verification_report
from keras_hypersphere.evaluation.scores import pair_scores

SAME = np.arange(240) % 2 == 0
NOTHING = "one up to rounding and tell nothing"


def collapsed(kind, dtype="float32", rows=240, seed=0):
    """One vector in every row, but for what rounding does."""
    random = np.random.default_rng(seed)
    x = np.tile(np.random.default_rng(9).normal(size=48), (rows, 1))
    if kind == "digits":
        # Each entry off by one unit of its last place, or none.
        step = 2.0 * np.finfo(dtype).eps if dtype != "bfloat16" else 2.0**-7
        x *= 1.0 + step * random.integers(-1, 2, x.shape) / 2
    elif kind == "lengths":
        x *= random.uniform(0.5, 2.0, (rows, 1))
    else:
        x *= 0.0
    return x.astype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize(
    ("kind", "distance"),
    [
        ("digits", "cosine"),
        ("digits", "l2"),
        ("digits", "squared-l2"),
        ("lengths", "cosine"),
        ("zero", "cosine"),
    ],
)
def test_pairs(kind, distance, dtype):
    left, right = (collapsed(kind, dtype, seed=s) for s in (0, 1))
    scores = pair_scores(left, right, distance)
    assert len(np.unique(scores)) == 1
    with pytest.warns(UserWarning, match="All 240 scores are " + NOTHING):
        report = verification_report(scores, SAME)
    assert (report.auc, report.eer) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("distance", "angle"),
    [("cosine", 3e-6), ("l2", 1e-5), ("squared-l2", 1e-5)],
)
def test_what_float32_holds_is_no_rounding(distance, angle):
    """Angles of ten times its rounding are told apart without an error."""
    left = collapsed("digits")
    turned = collapsed("digits", seed=1)
    turned[~SAME, 0] += angle * np.linalg.norm(turned[0])
    scores = pair_scores(left, turned, distance)
    report = verification_report(scores, SAME, distance == "cosine")
    assert report.auc == 1.0


@pytest.mark.parametrize("kind", ["digits", "zero"])
@pytest.mark.parametrize("protocol", ["standard", "sphereface", "normface-pca"])
def test_lfw(protocol, kind):
    left, right = (collapsed(kind, seed=s) for s in (0, 1))
    with pytest.warns(UserWarning, match=NOTHING), np.errstate(all="raise"):
        report = lfw(left, right, SAME, protocol=protocol)
    assert 0.0 <= report.accuracy <= 0.5
    assert (report.auc, report.eer, report.tar) == (0.5, 0.5, 0.0)
    assert np.isfinite(report.thresholds).all()
    assert np.isfinite(report.scores).all()
    # NormFace's own distance is the Euclidean one.
    assert report.larger_is_same == (protocol != "normface-pca")


@pytest.mark.parametrize("kind", ["digits", "zero"])
@pytest.mark.parametrize(
    ("protocol", "distance"),
    [
        ("mean", "cosine"),
        ("mean", "squared-l2"),
        ("facenet", "l2"),
        ("histogram", "cosine"),
        ("normface-mean", "cosine"),
    ],
)
def test_ytf(protocol, distance, kind):
    films = [
        np.split(collapsed(kind, rows=120, seed=seed), 40) for seed in (0, 1)
    ]
    with pytest.warns(UserWarning, match=NOTHING), np.errstate(all="raise"):
        report = ytf(*films, SAME[:40], 4, protocol, distance)
    assert 0.0 <= report.accuracy <= 0.5
    assert (report.auc, report.eer) == (0.5, 0.5)
    assert np.isfinite(report.thresholds).all()
    assert report.larger_is_same == ("l2" not in distance)


def test_val_far():
    left, right = (collapsed("digits", seed=s) for s in (0, 1))
    with pytest.warns(UserWarning, match=NOTHING):
        report = val_far(left, right, SAME, folds=4, far=0.1)
    assert (report.val, report.far, report.standard_error) == (0.0, 0.0, 0.0)
    assert np.isfinite(report.thresholds).all()


@pytest.mark.parametrize("kind", ["digits", "zero"])
@pytest.mark.parametrize("distance", ["cosine", "l2", "squared-l2"])
def test_megaface(distance, kind):
    probes, distractors = (collapsed(kind, seed=s) for s in (0, 1))
    with (
        pytest.warns(UserWarning, match="nobody is found"),
        np.errstate(divide="raise", over="raise", invalid="raise"),
    ):
        report = megaface(
            probes[:20],
            np.arange(20) // 2,
            distractors[:9],
            far=0.1,
            distance=distance,
        )
    # Of ten, the mate is last: ties are not in its favor.
    assert report.ranks.tolist() == [0.0] * 9 + [1.0]
    assert report.tar == report.tar_at(0.02) == 0.0
    assert report.larger_is_same == (distance == "cosine")


def test_fisher():
    x = collapsed("digits", "float16")
    assert angular_fisher_score(x, SAME) == float("inf")
