"""The three procedures against plain loops written from their text."""

import itertools
import math
import time

import numpy as np
import pytest

from keras_hypersphere.evaluation import lfw
from keras_hypersphere.evaluation.lfw_sphereface import threshold_grid


def noisy_pairs(pairs=120, dimensions=6, noise=0.8, seed=0, offset=0.0):
    random = np.random.default_rng(seed)
    same = np.arange(pairs) // 6 % 2 == 0
    left = random.normal(size=(pairs, dimensions))
    other = random.normal(size=(pairs, dimensions))
    near = left + noise * random.normal(size=(pairs, dimensions))
    right = np.where(same[:, None], near, other)
    return left + offset, right + offset, same


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def unit(a):
    norm = math.sqrt(dot(a, a))
    return [x / norm for x in a] if norm else [0.0] * len(a)


def score_of(a, b, distance):
    if distance == "cosine":
        return dot(unit(a), unit(b))
    gap = [x - y for x, y in zip(a, b, strict=True)]
    return (
        dot(gap, gap) if distance == "squared-l2" else math.sqrt(dot(gap, gap))
    )


def blocks(pairs, folds):
    size = pairs // folds
    return [range(i * size, (i + 1) * size) for i in range(folds)]


def standard_oracle(left, right, same, folds, distance):
    sign = 1 if distance == "cosine" else -1
    scores = [
        score_of(a, b, distance)
        for a, b in zip(left.tolist(), right.tolist(), strict=True)
    ]
    accuracies, thresholds = [], []
    for held in blocks(len(same), folds):
        training = [i for i in range(len(same)) if i not in held]
        values = sorted({sign * scores[i] for i in training}, reverse=True)
        best = None
        for upper, lower in itertools.pairwise(values):
            middle = (upper + lower) / 2
            right_answers = sum(
                (sign * scores[i] > middle) == same[i] for i in training
            )
            rank = (right_answers, upper - lower)
            if best is None or rank > best[0]:
                best = rank, middle
        threshold = sign * best[1]
        answers = [
            (sign * scores[i] >= sign * threshold) == same[i] for i in held
        ]
        accuracies.append(sum(answers) / len(answers))
        thresholds.append(threshold)
    return accuracies, thresholds


@pytest.mark.parametrize("distance", ["cosine", "l2", "squared-l2"])
@pytest.mark.parametrize("seed", range(3))
def test_standard_agrees_with_loops(seed, distance):
    left, right, same = noisy_pairs(seed=seed)
    report = lfw(left, right, same, folds=5, distance=distance)
    folds, thresholds = standard_oracle(left, right, same, 5, distance)
    np.testing.assert_allclose(report.folds, folds, atol=1e-12)
    np.testing.assert_allclose(report.thresholds, thresholds, atol=1e-10)
    assert report.accuracy == pytest.approx(np.mean(folds))
    assert report.std == pytest.approx(np.std(folds))
    assert report.standard_error == pytest.approx(np.std(folds) / 5**0.5)


def sphereface_oracle(left, right, same, folds):
    left, right = left.tolist(), right.tolist()
    size = len(left[0])
    accuracies, thresholds = [], []
    for held in blocks(len(same), folds):
        training = [i for i in range(len(same)) if i not in held]
        faces = [f for i in training for f in (left[i], right[i])]
        mean = [
            math.fsum(f[k] for f in faces) / len(faces) for k in range(size)
        ]
        scores = []
        for a, b in zip(left, right, strict=True):
            a = unit([x - m for x, m in zip(a, mean, strict=True)])
            b = unit([x - m for x, m in zip(b, mean, strict=True)])
            scores.append(dot(a, b))

        def count(threshold, pairs, scores=scores):
            return sum(
                scores[i] > threshold if same[i] else scores[i] < threshold
                for i in pairs
            )

        most, best = -1, []
        for step in range(-10_000, 10_001):
            right_answers = count(step / 10_000, training)
            if right_answers > most:
                most, best = right_answers, []
            if right_answers == most:
                best.append(step / 10_000)
        threshold = math.fsum(best) / len(best)
        accuracies.append(count(threshold, held) / len(held))
        thresholds.append(threshold)
    return accuracies, thresholds


@pytest.mark.parametrize("seed", range(2))
def test_sphereface_agrees_with_loops(seed):
    # A common offset makes the subtracted mean matter.
    left, right, same = noisy_pairs(pairs=48, seed=seed, offset=2.0)
    left[5] = left[4]  # duplicates count twice in the mean
    report = lfw(left, right, same, folds=4, protocol="sphereface")
    folds, thresholds = sphereface_oracle(left, right, same, 4)
    np.testing.assert_allclose(report.folds, folds, atol=1e-12)
    np.testing.assert_allclose(report.thresholds, thresholds, atol=1e-10)
    assert report.distance == "cosine"


def normface_oracle(left, right, same, folds):
    from sklearn.decomposition import PCA
    from sklearn.svm import SVC

    accuracies, thresholds, kept = [], [], []
    for held in blocks(len(same), folds):
        training = [i for i in range(len(same)) if i not in held]
        pca = PCA(svd_solver="full").fit(
            np.concatenate([left[training], right[training]])
        )
        total = 0.0
        size = 0
        while total <= 0.995:
            total += pca.explained_variance_ratio_[size]
            size += 1
        kept.append(size)
        a = pca.transform(left)[:, :size].tolist()
        b = pca.transform(right)[:, :size].tolist()
        values = np.array(
            [
                score_of(unit(x), unit(y), "l2")
                for x, y in zip(a, b, strict=True)
            ]
        )
        machine = SVC(kernel="linear", C=1, shrinking=False)
        machine.fit(values[training, None], same[training])
        answers = machine.predict(values[list(held), None]) == same[list(held)]
        accuracies.append(np.mean(answers))
        thresholds.append(-machine.intercept_[0] / machine.coef_[0, 0])
    return accuracies, thresholds, kept


@pytest.mark.parametrize("seed", range(3))
def test_normface_agrees_with_scikit_learn(seed):
    left, right, same = noisy_pairs(seed=seed, dimensions=8, offset=1.0)
    # One direction carries so little that it is dropped.
    scale = np.array([3, 2, 1.5, 1, 1, 0.8, 0.6, 0.02])
    left, right = left * scale, right * scale
    report = lfw(left, right, same, folds=5, protocol="normface-pca")
    folds, thresholds, kept = normface_oracle(left, right, same, 5)
    assert set(kept) == {7}
    np.testing.assert_allclose(report.folds, folds, atol=1e-12)
    np.testing.assert_allclose(report.thresholds, thresholds, atol=1e-6)
    assert report.distance == "l2"


def test_normface_keeps_the_first_count_above_the_limit():
    from keras_hypersphere.evaluation.lfw_normface import principal_components

    # Variances 995 : 5. The first explains exactly 99.5 %, not more.
    faces = np.diag(np.sqrt([995.0, 5.0]))
    faces = np.concatenate([faces, -faces])
    assert principal_components(faces)[1].shape == (2, 2)
    faces = np.diag(np.sqrt([996.0, 4.0]))
    faces = np.concatenate([faces, -faces])
    center, components = principal_components(faces)
    np.testing.assert_allclose(np.abs(components), [[1], [0]], atol=1e-12)
    np.testing.assert_allclose(center, 0, atol=1e-12)


def test_by_hand():
    # Angles of the pairs in degrees; 2 folds of 4. Training on the second
    # fold puts the threshold between cos 42 and cos 45, on the first
    # between cos 30 and cos 50, which is the cosine of 41 degrees: the same
    # pair of 42 degrees is refused.
    angles = np.radians([10, 30, 50, 80, 42, 45, 60, 90])
    same = np.array([1, 1, 0, 0, 1, 0, 0, 0], bool)
    left = np.tile([1.0, 0.0], (8, 1))
    right = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    report = lfw(left, right, same, folds=2)
    cosine = np.cos(angles)
    np.testing.assert_allclose(
        report.thresholds,
        [(cosine[4] + cosine[5]) / 2, (cosine[1] + cosine[2]) / 2],
    )
    assert report.folds.tolist() == [1.0, 0.75]
    assert report.accuracy == 0.875
    assert report.std == 0.125
    assert report.correct.tolist() == [True] * 4 + [False] + [True] * 3
    # One threshold for all would part them: 43 degrees.
    assert report.auc == 1.0
    assert report.eer == 0.0
    assert report.tar == 1.0


def test_sphereface_counts_a_score_on_the_threshold_as_an_error():
    from keras_hypersphere.evaluation.lfw_sphereface import answers_right

    values = np.array([0.5, 0.5, 0.2])
    same = np.array([True, False, False])
    grid = np.array([0.1, 0.2, 0.3, 0.5, 0.7])
    # .1: S. .2: S, and D .2 lies on it. .3: S and D .2. .5: D .2 only, the
    # two scores of .5 lie on it. .7: both D.
    assert answers_right(values, same, grid, True).tolist() == [1, 1, 2, 1, 2]
    assert answers_right(-values, same, -grid, False).tolist() == [
        1,
        1,
        2,
        1,
        2,
    ]


def test_sphereface_thresholds_are_multiples():
    grid = threshold_grid()
    assert len(grid) == 20_001
    assert all(grid[t + 10_000] == t / 10_000 for t in range(-10_000, 10_001))
    assert threshold_grid("l2")[[0, -1]].tolist() == [0.0, 2.0]
    assert threshold_grid("squared-l2")[[0, -1]].tolist() == [0.0, 4.0]


@pytest.mark.parametrize("protocol", ["standard", "sphereface", "normface-pca"])
@pytest.mark.parametrize("distance", ["cosine", "l2", "squared-l2"])
def test_separable_pairs_are_all_right(protocol, distance):
    left, right, same = noisy_pairs(noise=0.01, dimensions=16)
    report = lfw(left, right, same, protocol=protocol, distance=distance)
    assert report.accuracy == 1.0
    assert report.std == 0.0
    assert report.auc == report.tar == 1.0
    assert report.eer == 0.0
    assert report.folds.shape == report.thresholds.shape == (10,)
    assert report.protocol == protocol


def test_cosine_of_a_zero_vector_is_zero():
    left, right, same = noisy_pairs()
    left[3] = 0.0
    right[8] = 0.0
    report = lfw(left, right, same, folds=5)
    assert report.scores[3] == report.scores[8] == 0.0
    folds, _ = standard_oracle(left, right, same, 5, "cosine")
    np.testing.assert_allclose(report.folds, folds)


@pytest.mark.parametrize("protocol", ["standard", "sphereface", "normface-pca"])
@pytest.mark.parametrize("factor", [1e-200, 1e-320, 1e150, 1e300])
def test_cosines_survive_extreme_lengths(factor, protocol):
    left, right, same = noisy_pairs(dimensions=16)
    # Denormals keep few digits; whole numbers survive the scaling.
    left, right = np.round(9 * left), np.round(9 * right)
    expected = lfw(left, right, same, protocol=protocol)
    scale = np.float64(factor)
    report = lfw(left * scale, right * scale, same, protocol=protocol)
    tolerance = 1e-2 if factor < 1e-300 else 1e-12
    np.testing.assert_allclose(report.scores, expected.scores, atol=tolerance)


def test_distances_that_overflow_are_refused():
    left, right, same = noisy_pairs()
    with pytest.raises(ValueError, match="overflow float64"):
        lfw(left * 1e200, right * 1e200, same, distance="squared-l2")


def test_number_types_agree():
    left, right, same = noisy_pairs()
    left, right = np.round(20 * left), np.round(20 * right)
    expected = lfw(left, right, same)
    for dtype in (np.float16, np.float32, np.int8, np.int64):
        report = lfw(left.astype(dtype), right.astype(dtype), same.astype(int))
        assert np.array_equal(report.scores, expected.scores)
        assert report.accuracy == expected.accuracy


def test_folds_by_name_equal_folds_by_number():
    left, right, same = noisy_pairs()
    expected = lfw(left, right, same, folds=5)
    names = np.repeat(np.array(list("bcdea")), 24)
    report = lfw(left, right, same, folds=names)
    # Folds come in the order of their names: "a" was the last block.
    assert report.folds.tolist() == np.roll(expected.folds, 1).tolist()
    assert report.accuracy == pytest.approx(expected.accuracy)


def test_uneven_folds_are_blocks_that_differ_by_one():
    left, right, same = noisy_pairs(pairs=100)
    report = lfw(left, right, same, folds=7)
    sizes = np.bincount(report.fold_of_pair)
    assert sizes.sum() == 100
    assert set(sizes) == {14, 15}
    assert (np.diff(report.fold_of_pair) >= 0).all()


@pytest.mark.parametrize("protocol", ["standard", "sphereface", "normface-pca"])
def test_failed_pairs_are_errors_and_influence_nothing(protocol):
    left, right, same = noisy_pairs(noise=0.01, dimensions=16)
    failed = np.zeros(120, bool)
    failed[[0, 7, 119]] = True
    # What stands in a failed row must not matter, not even NaN.
    left[failed] = np.nan
    right[failed] = 1e300
    report = lfw(left, right, same, protocol=protocol, failed=failed)
    assert not report.correct[failed].any()
    assert report.correct[~failed].all()
    assert report.accuracy == pytest.approx(117 / 120)
    assert report.folds.tolist() == pytest.approx(
        [10 / 12, *[1.0] * 8, 11 / 12]
    )
    assert np.isinf(report.scores[failed]).all()
    assert report.tar < 1.0


def test_failed_thresholds_equal_those_without_the_pairs():
    left, right, same = noisy_pairs()
    failed = np.zeros(120, bool)
    failed[::12] = True
    fold = np.arange(120) // 24
    whole = lfw(left, right, same, folds=5, failed=failed)
    part = lfw(
        left[~failed], right[~failed], same[~failed], folds=fold[~failed]
    )
    assert np.array_equal(whole.thresholds, part.thresholds)
    assert np.array_equal(whole.correct[~failed], part.correct)


def test_input_is_not_changed():
    left, right, same = noisy_pairs()
    copies = left.copy(), right.copy(), same.copy()
    for protocol in ("standard", "sphereface", "normface-pca"):
        lfw(left, right, same, protocol=protocol)
    for now, before in zip((left, right, same), copies, strict=True):
        assert np.array_equal(now, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distance": "l1"}, "`distance` must be one of cosine"),
        ({"protocol": "ytf"}, "`protocol` must be one of standard"),
        ({"protocol": ["standard"]}, "`protocol` must be one of standard"),
        ({"left": np.zeros(9)}, r"a matrix \(pairs, dimensions\)"),
        ({"folds": 1}, "`folds` must be a whole number from 2"),
        ({"folds": 121}, "`folds` must be a whole number from 2"),
        ({"folds": 2.5}, "`folds` must be a whole number from 2"),
        ({"folds": True}, "`folds` must be a whole number from 2"),
        ({"folds": [1, 2]}, "one fold for each of the 120 pairs"),
        ({"folds": np.ones(120)}, "at least two different folds"),
        ({"folds": np.arange(120) // 60}, None),
        ({"same": np.ones(120, bool)}, "both kinds"),
        ({"same": np.arange(120) >= 60, "folds": 2}, "training pairs of fold"),
        ({"same": np.ones(7, bool)}, "`same` must hold one flag"),
        ({"failed": np.ones(120, bool)}, "both kinds"),
        ({"left": np.zeros((120, 5))}, "one shape"),
        ({"left": np.zeros(120)}, "`left` must be a matrix"),
        ({"right": np.zeros((0, 6))}, "`right` must be a matrix"),
        ({"left": np.zeros((120, 6), complex)}, "real numbers"),
        ({"left": np.full((120, 6), "a")}, "real numbers"),
    ],
)
def test_refuses(change, message):
    left, right, same = noisy_pairs()
    arguments = {"left": left, "right": right, "same": same, **change}
    if message is None:
        assert lfw(**arguments).folds.shape == (2,)
        return
    with pytest.raises(ValueError, match=message):
        lfw(**arguments)


@pytest.mark.parametrize("protocol", ["standard", "sphereface", "normface-pca"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_embeddings_that_are_not_finite(value, protocol):
    left, right, same = noisy_pairs()
    right[17, 2] = value
    with pytest.raises(ValueError, match=r"`right` must hold finite.*index 17"):
        lfw(left, right, same, protocol=protocol)


def test_scores_six_thousand_pairs_in_20_ms():
    random = np.random.default_rng(0)
    same = np.arange(6000) // 300 % 2 == 0
    left = random.normal(size=(6000, 512)).astype(np.float32)
    right = random.normal(size=(6000, 512)).astype(np.float32)
    right[same] += left[same]
    times = []
    for _ in range(30):
        # Processor time: others on the machine do not count.
        start = time.process_time()
        lfw(left, right, same)
        times.append(time.process_time() - start)
    assert min(times) < 0.020
