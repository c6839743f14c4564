"""The procedures against plain loops written from their text."""

import math

import numpy as np
import pytest

from keras_hypersphere.evaluation import ytf
from keras_hypersphere.evaluation.ytf_histogram import (
    cosine_histogram,
    cosines_around,
    features_of,
    intersections,
)

PROTOCOLS = ("mean", "facenet", "histogram", "normface-mean")


def videos(pairs=24, dimensions=4, noise=1.0, seed=0, offset=0.0, frames=7):
    """Pairs of videos of unequal length; some appear in several pairs."""
    random = np.random.default_rng(seed)
    same = np.arange(pairs) // 3 % 2 == 0
    people = random.normal(size=(pairs, dimensions))

    def film(person):
        count = random.integers(1, frames)
        wobble = random.normal(size=(count, dimensions))
        return person + noise * wobble + offset

    first = [film(person) for person in people]
    first[5] = first[4]
    other = random.normal(size=(pairs, dimensions))
    second = [film(people[i] if same[i] else other[i]) for i in range(pairs)]
    second[9] = first[2]
    return first, second, same


def dot(a, b):
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def cosine(a, b):
    norm = math.sqrt(dot(a, a) * dot(b, b))
    return dot(a, b) / norm if norm else 0.0


def squared(a, b):
    return math.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def unit(a):
    norm = math.sqrt(dot(a, a))
    return [x / norm for x in a]


SCORES = {
    "cosine": cosine,
    "l2": lambda a, b: math.sqrt(squared(a, b)),
    "squared-l2": squared,
}


def all_pairs(a, b, score):
    return [score(x, y) for x in a.tolist() for y in b.tolist()]


def mean_of(a, b, score):
    values = all_pairs(a, b, score)
    return math.fsum(values) / len(values)


def folds_of(pairs, folds):
    size = pairs // folds
    return [range(i * size, (i + 1) * size) for i in range(folds)]


def mean_oracle(scores, same, folds, low, high, larger):
    """SphereFace's threshold: mean of all best of 20,001, ties are errors."""
    accuracies, limits = [], []
    for held in folds:

        def count(limit, pairs):
            found = 0
            for i in pairs:
                above, below = scores[i] > limit, scores[i] < limit
                alike, apart = (above, below) if larger else (below, above)
                found += alike if same[i] else apart
            return found

        training = [i for i in range(len(same)) if i not in held]
        grid = [low + (high - low) * t / 20_000 for t in range(20_001)]
        answers = [count(limit, training) for limit in grid]
        most = max(answers)
        best = [g for g, a in zip(grid, answers, strict=True) if a == most]
        limits.append(math.fsum(best) / len(best))
        accuracies.append(count(limits[-1], held) / len(held))
    return accuracies, limits


@pytest.mark.parametrize("distance", ["cosine", "l2", "squared-l2"])
def test_mean_agrees_with_loops(distance):
    first, second, same = videos()
    report = ytf(first, second, same, folds=4, distance=distance)
    low, high = {"cosine": (-1, 1), "l2": (0, 2), "squared-l2": (0, 4)}[
        distance
    ]
    scores = [
        mean_of(
            np.array([unit(x) for x in a]),
            np.array([unit(x) for x in b]),
            SCORES[distance],
        )
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(report.scores, scores, atol=1e-12)
    folds, limits = mean_oracle(
        scores, same, folds_of(24, 4), low, high, distance == "cosine"
    )
    assert report.folds.tolist() == folds
    assert 0.5 < report.accuracy < 1.0
    np.testing.assert_allclose(report.thresholds, limits, atol=1e-10)


@pytest.mark.parametrize("distance", ["cosine", "l2", "squared-l2"])
def test_facenet_agrees_with_loops(distance):
    first, second, same = videos(noise=0.9, frames=9)
    sign = 1 if distance == "cosine" else -1
    scores = [
        mean_of(a[:3], b[:3], SCORES[distance])
        for a, b in zip(first, second, strict=True)
    ]
    report = ytf(first, second, same, 4, "facenet", distance, max_frames=3)
    np.testing.assert_allclose(report.scores, scores, atol=1e-12)
    for held, accuracy, limit in zip(
        folds_of(24, 4), report.folds, report.thresholds, strict=True
    ):
        training = [i for i in range(24) if i not in held]

        def right(limit, pairs):
            return sum(
                (sign * scores[i] >= sign * limit) == same[i] for i in pairs
            )

        most = max(right(scores[i], training) for i in training)
        assert right(limit, training) == most
        assert accuracy == right(limit, held) / len(held)


def test_facenet_takes_the_first_hundred_frames():
    first, second, same = videos()
    first[0] = np.concatenate([np.tile(first[0][:1], (100, 1)), first[1]])
    report = ytf(first, second, same, 4, "facenet")
    short = ytf([first[0][:1], *first[1:]], second, same, 4, "facenet")
    assert report.scores[0] == pytest.approx(short.scores[0])
    whole = ytf(first, second, same, 4, "facenet", max_frames=1000)
    assert abs(whole.scores[0] - report.scores[0]) > 1e-4
    assert ytf(first, second, same, 4).scores[0] == whole.scores[0]


def centered_cosines(first, second, folds):
    """The matrices of cosines of every pair, for each held-out fold."""
    for held in folds:
        means = []
        for i in range(len(first)):
            if i in held:
                continue
            for video in (first[i], second[i]):
                rows = video.tolist()
                means.append(
                    [sum(c) / len(rows) for c in zip(*rows, strict=True)]
                )
        center = [math.fsum(c) / len(means) for c in zip(*means, strict=True)]
        yield (
            held,
            [
                all_pairs(a - center, b - center, cosine)
                for a, b in zip(first, second, strict=True)
            ],
        )


def test_histogram_agrees_with_loops():
    from sklearn.svm import SVC

    first, second, same = videos(noise=0.7, offset=2.0)
    report = ytf(first, second, same, 4, "histogram")
    edges = [-1 + i * 0.02 for i in range(101)]
    edges[-1] = 1.0
    for held, cosines in centered_cosines(first, second, folds_of(24, 4)):
        features = []
        for values in cosines:
            counts = [0] * 100
            for value in values:
                inside = [b for b in range(100) if edges[b] <= value]
                counts[inside[-1]] += 1
            features.append([c / len(values) for c in counts])
        kernel = [[sum(map(min, a, b)) for b in features] for a in features]
        kernel = np.array(kernel)
        training = [i for i in range(24) if i not in held]
        machine = SVC(C=1, kernel="precomputed")
        machine.fit(kernel[np.ix_(training, training)], same[training])
        decisions = machine.decision_function(kernel[np.ix_(held, training)])
        # The solver stops at 1e-3, and kernels differ in their last digits.
        np.testing.assert_allclose(
            report.scores[list(held)], decisions, atol=2e-3
        )
        answers = machine.predict(kernel[np.ix_(held, training)])
        np.testing.assert_array_equal(
            report.correct[list(held)], answers == same[list(held)]
        )
    assert report.distance == "decision"
    assert report.thresholds.tolist() == [0.0] * 4
    assert report.accuracy > 0.5


def test_histograms_and_their_intersections_agree_with_loops():
    first, second, _ = videos(noise=0.7, offset=2.0)
    fold = np.arange(24) // 6
    found = features_of(first, second, fold, 4, 100, cosine_histogram)
    edges = np.linspace(-1, 1, 101)
    for index, (_, cosines) in enumerate(
        centered_cosines(first, second, folds_of(24, 4))
    ):
        for pair, values in enumerate(cosines):
            shares = [0.0] * 100
            for value in values:
                shares[sum(value >= edges[1:-1])] += 1 / len(values)
            np.testing.assert_allclose(found[index, pair], shares, atol=1e-12)
    kernel = [[sum(map(min, a, b)) for b in found[0]] for a in found[1]]
    np.testing.assert_allclose(
        intersections(found[1], found[0]), kernel, atol=1e-12
    )


def test_normface_mean_agrees_with_loops():
    from sklearn.svm import SVC

    first, second, same = videos(noise=0.9, offset=2.0)
    report = ytf(first, second, same, 4, "normface-mean")
    for held, cosines in centered_cosines(first, second, folds_of(24, 4)):
        means = np.array([math.fsum(v) / len(v) for v in cosines])[:, None]
        training = [i for i in range(24) if i not in held]
        machine = SVC(kernel="linear", C=1, shrinking=False)
        machine.fit(means[training], same[training])
        held = list(held)
        np.testing.assert_allclose(
            report.scores[held], means[held, 0], atol=1e-12
        )
        np.testing.assert_array_equal(
            report.correct[held], machine.predict(means[held]) == same[held]
        )


def test_histogram_by_hand():
    # Cosines 1, 0, 0, -1: the last bin holds 1, the first -1, and 0 opens
    # the upper half.
    counts = cosine_histogram(np.array([[1.0, 0.0], [0.0, -1.0]]))
    assert counts.shape == (100,)
    assert {b: c for b, c in enumerate(counts) if c} == {
        0: 0.25,
        50: 0.5,
        99: 0.25,
    }


def test_by_hand():
    # Frames at 0 and 60 degrees and one at 0: (1 + 1/2) / 2.
    turned = np.array([[2.0, 0.0], [0.5, math.sqrt(0.75)]])
    ahead = np.array([[3.0, 0.0]])
    first = [turned] * 8
    second = [ahead, ahead, -ahead, -ahead] * 2
    same = np.array([1, 1, 0, 0] * 2, bool)
    report = ytf(first, second, same, folds=2)
    np.testing.assert_allclose(report.scores, [0.75, 0.75, -0.75, -0.75] * 2)
    # All of -.7499 … .7499 are best.
    np.testing.assert_allclose(report.thresholds, 0.0, atol=1e-12)
    assert report.accuracy == report.auc == 1.0


def test_a_score_on_the_threshold():
    # The first fold says 0, and both pairs of the second score 0: an error
    # with SphereFace's rule, accepted with FaceNet's.
    right, up = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    first = [right, right, right, right]
    second = [right, -right, up, up]
    same = np.array([1, 0, 1, 0], bool)
    fold = [1, 1, 2, 2]
    assert ytf(first, second, same, fold).correct.tolist()[2:] == [False, False]
    report = ytf(first, second, same, fold, "facenet")
    assert report.correct.tolist()[2:] == [True, False]


@pytest.mark.parametrize("seed", range(3))
def test_seen_from_centers_far_and_near(seed):
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(5, 3)), random.normal(size=(4, 3))
    centers = random.normal(size=(6, 3)) * 10.0 ** np.arange(-6, 0)[:, None]
    # One frame lies on a center, another all but.
    a[1], b[2] = centers[5], centers[4] + 1e-9
    for center, cosines in zip(
        centers, cosines_around(a, b, centers, 1e-16), strict=True
    ):
        expected = [
            [cosine(x, y) for y in (b - center).tolist()]
            for x in (a - center).tolist()
        ]
        # Where a frame and a center differ by 1e-9, its direction is known
        # to 1e-7 only, in the reference as well.
        np.testing.assert_allclose(cosines, expected, atol=3e-7)
    assert (cosines[1] == 0).all()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_videos_without_frames_are_errors(protocol):
    first, second, same = videos(noise=0.01, dimensions=16)
    expected = ytf(first, second, same, 4, protocol)
    assert expected.accuracy == 1.0
    first[1], second[8] = np.empty((0, 16)), np.empty((0, 16))
    second[1][:] = np.nan
    failed = np.arange(24) == 20
    first[20] = np.full((2, 16), np.inf)
    report = ytf(first, second, same, 4, protocol, failed=failed)
    lost = np.isin(np.arange(24), [1, 8, 20])
    assert (report.correct == ~lost).all()
    assert np.isinf(report.scores[lost]).all()
    assert report.folds.tolist() == pytest.approx([5 / 6, 5 / 6, 1.0, 5 / 6])
    part = ytf(
        [v for v, gone in zip(first, lost, strict=True) if not gone],
        [v for v, gone in zip(second, lost, strict=True) if not gone],
        same[~lost],
        np.repeat(range(4), 6)[~lost],
        protocol,
    )
    np.testing.assert_array_equal(report.thresholds, part.thresholds)
    np.testing.assert_array_equal(report.scores[~lost], part.scores)


def test_takes_lists_arrays_and_number_types():
    random = np.random.default_rng(0)
    first = random.integers(-9, 9, (12, 4, 3))
    second = random.integers(-9, 9, (12, 5, 3))
    same = np.arange(12) % 2
    expected = ytf(first, second, same, 3)
    for kind in (np.int8, np.float16, np.float32):
        report = ytf(list(first.astype(kind)), second.astype(kind), same, 3)
        np.testing.assert_array_equal(report.scores, expected.scores)
    report = ytf(first.tolist(), second.tolist(), same, 3)
    np.testing.assert_array_equal(report.scores, expected.scores)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": "sphereface"}, "`protocol` must be one of mean"),
        ({"distance": "l1"}, "`distance` must be one of cosine"),
        (
            {"distance": "l2", "protocol": "histogram"},
            "`distance` must be 'cosine' with protocol='histogram'",
        ),
        ({"max_frames": 0}, "`max_frames` must be a whole number"),
        ({"max_frames": 1.5}, "`max_frames` must be a whole number"),
        ({"folds": 1}, "`folds` must be"),
        ({"same": np.ones(24, bool)}, "both kinds"),
        ({"same": np.ones(5, bool)}, "`same` must hold one flag"),
        ({"frames_a": [np.ones((2, 4))]}, "Received: 1 and 24 videos"),
        ({"frames_a": 3}, "`frames_a` must be a list"),
        ({"frames_a": [np.ones(4)] * 24}, r"frames_a\[0\] of shape \(4,\)"),
        ({"frames_b": [np.ones((2, 5))] * 24}, "sizes 4, 5"),
        ({"frames_b": [np.full((2, 4), "a")] * 24}, "real numbers"),
        ({"frames_b": [np.full((2, 4), np.nan)] * 24}, r"`frames_b\[0\]`"),
        (
            {
                "protocol": "histogram",
                "frames_a": [np.full((2, 4), np.inf)] * 24,
            },
            r"`frames_a\[0\]` must hold finite",
        ),
        ({"failed": np.ones(24)}, "both kinds"),
        (
            {
                "frames_a": [np.full((2, 4), 1e200)] * 24,
                "distance": "squared-l2",
                "protocol": "facenet",
            },
            "overflow float64",
        ),
    ],
)
def test_refuses(change, message):
    first, second, same = videos()
    arguments = {"frames_a": first, "frames_b": second, "same": same, **change}
    arguments.setdefault("folds", 4)
    with pytest.raises(ValueError, match=message):
        ytf(**arguments)
