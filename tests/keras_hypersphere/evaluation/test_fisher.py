import numpy as np
import pytest

from keras_hypersphere.evaluation.fisher import angular_fisher_score


def loops(x, labels):
    def cos(a, b):
        return a @ b / np.sqrt((a @ a) * (b @ b))

    mean = x.mean(axis=0)
    within = between = 0.0
    for label in sorted(set(labels)):
        members = [
            row for row, own in zip(x, labels, strict=True) if own == label
        ]
        own_mean = sum(members) / len(members)
        within += sum(1 - cos(row, own_mean) for row in members)
        between += len(members) * (1 - cos(own_mean, mean))
    return within / between


def test_equals_loops_with_uneven_classes():
    x = np.random.default_rng(0).normal(1.0, 2.0, (40, 5))
    labels = np.array([0] * 5 + [3] * 20 + [9] * 15)
    assert angular_fisher_score(x, labels) == pytest.approx(loops(x, labels))
    words = np.array(["a", "b", "c"])[np.searchsorted([0, 3, 9], labels)]
    assert angular_fisher_score(x, words) == pytest.approx(loops(x, labels))


def test_by_hand():
    # Two classes along the axes: m = (1, 1) / 2, so S_b = 4 (1 - cos 45°).
    angle = 0.1
    c, s = np.cos(angle), np.sin(angle)
    x = [[c, s], [c, -s], [s, c], [-s, c]]
    expected = (1 - c) / (1 - np.sqrt(0.5))
    assert angular_fisher_score(x, [0, 0, 1, 1]) == pytest.approx(expected)


def test_lengths_weigh_the_means_but_a_common_scale_does_nothing():
    x = np.array([[2.0, 0], [0, 1], [0, -1], [-1, -1]])
    labels = [0, 0, 1, 1]
    score = angular_fisher_score(x, labels)
    assert angular_fisher_score(1e200 * x, labels) == pytest.approx(score)
    assert angular_fisher_score(1e-200 * x, labels) == pytest.approx(score)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert angular_fisher_score(unit, labels) != pytest.approx(score)


def test_ends():
    assert angular_fisher_score([[1.0, 0], [2, 0], [0, 1]], [0, 0, 1]) == 0
    same = [[1.0, 1], [1, -1], [1, 1], [1, -1]]
    assert angular_fisher_score(same, [0, 0, 1, 1]) == np.inf


@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        ([1.0, 2.0], [0, 1], "`embeddings` must be a matrix"),
        ([[1.0], [2.0]], [0], "one label for each of the 2"),
        ([[1.0], [2.0]], [0, 0], "two classes or more"),
        ([[1.0, 0], [0, 0]], [0, 1], "an embedding is zero"),
        ([[1.0], [-1.0], [2.0]], [0, 0, 1], "mean of a class is zero"),
        ([[1.0], [-1.0]], [0, 1], "mean of all is zero"),
        ([[1.0], [np.nan]], [0, 1], "finite numbers only.*index 1"),
        ([[1.0 + 2j], [1j]], [0, 1], "must hold real numbers.*complex"),
        ([["1"], ["2"]], [0, 1], "must hold real numbers"),
        ([[1.0, 2.0], [3.0]], [0, 1], "rows of different lengths"),
        ([[1.0], [2.0]], [0.0, np.nan], "Received: NaN at index 1"),
        ([[1.0], [2.0]], [0, None], "`labels` must be of one type"),
    ],
)
def test_errors(x, labels, message):
    with pytest.raises(ValueError, match=message):
        angular_fisher_score(x, labels)
