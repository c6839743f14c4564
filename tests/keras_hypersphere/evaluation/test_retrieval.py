import sys
import tracemalloc

import numpy as np
import pytest

from keras_hypersphere.evaluation import retrieval

RNG = np.random.default_rng(0)


def loops(x, labels, depths, distance):
    """Recall at each depth, precision at 1, R-precision and MAP@R."""
    x = np.asarray(x, "float64")
    rows = []
    for i in range(len(x)):
        others = [j for j in range(len(x)) if j != i]
        count = sum(labels[j] == labels[i] for j in others)
        if not count:
            continue

        def gap(j, i=i):
            if distance == "cosine":
                return -(x[i] @ x[j]) / np.sqrt((x[i] @ x[i]) * (x[j] @ x[j]))
            return ((x[i] - x[j]) ** 2).sum()

        others.sort(key=lambda j: (gap(j), j))
        hits = [labels[j] == labels[i] for j in others]
        precision = [sum(hits[:r]) / r for r in range(1, count + 1)]
        rows.append(
            [
                *(any(hits[:k]) for k in depths),
                hits[0],
                sum(hits[:count]) / count,
                sum(p for p, hit in zip(precision, hits, strict=False) if hit)
                / count,
            ]
        )
    return np.mean(np.array(rows, "float64"), axis=0)


def numbers(report):
    return [
        *report.recall.values(),
        report.precision_at_1,
        report.r_precision,
        report.map_at_r,
    ]


@pytest.mark.parametrize("distance", ["cosine", "l2", "squared-l2"])
@pytest.mark.parametrize("kind", ["random", "ties", "float16"])
def test_follows_the_loop(kind, distance):
    x = RNG.normal(size=(60, 5))
    # Small whole numbers: many equal distances, which are exact.
    x = np.sign(x) if kind == "ties" else x.astype(np.float32)
    x = x.astype("float16") if kind == "float16" else x
    labels = RNG.integers(0, 12, 60)
    labels[:3] = [100, 101, 102]
    report = retrieval(x, labels, (1, 3, 10), distance)
    wanted = loops(x, labels, (1, 3, 10), distance)
    np.testing.assert_allclose(numbers(report), wanted, rtol=1e-12)
    counts = np.bincount(labels)
    assert report.queries == counts[counts > 1].sum() < report.samples == 60


def test_by_hand():
    """Of three, the nearest of Ann's first is Ben; MAP counts places."""
    x = np.array([0.0, 0.3, 0.1, 0.9, 3.0])
    x = np.stack([np.cos(x), np.sin(x)], axis=1)
    names = ["Ann", "Ann", "Ben", "Ann", "Cid"]
    report = retrieval(x, names, k=(1, 2))
    # Hits of the queries 0, 1 and 3 among their two nearest: 01, 01, 10.
    assert report.recall == {1: pytest.approx(1 / 3), 2: 1.0}
    assert report.recall_at(2) == 1.0
    assert report.precision_at_1 == pytest.approx(1 / 3)
    assert report.r_precision == pytest.approx(1 / 2)
    assert report.map_at_r == pytest.approx((0.25 + 0.25 + 0.5) / 3)
    assert report.queries == 3
    with pytest.raises(ValueError, match=r"`k` must be one of \(1, 2\)"):
        report.recall_at(5)


def test_equal_scores_come_in_order():
    """Copies have equal scores, wherever they stand in a product."""
    x = np.tile(RNG.normal(size=(1, 37)).astype("float32"), (9, 1))
    labels = [0, 1, 1, 0, 0, 1, 0, 1, 1]
    report = retrieval(x, labels)
    np.testing.assert_allclose(
        numbers(report), loops(np.ones((9, 1)), labels, (1, 5, 10), "l2")
    )


def test_parts_change_nothing(monkeypatch):
    x, labels = RNG.normal(size=(80, 6)), RNG.integers(0, 9, 80)
    whole = retrieval(x, labels)
    module = sys.modules[retrieval.__module__]
    monkeypatch.setattr(module, "PRODUCTS", 80 * 7)
    monkeypatch.setattr(module, "TOGETHER", 11)
    assert retrieval(x, labels) == whole


def test_k_beyond_the_others():
    report = retrieval([[1.0, 0.0], [0.0, 1.0]], [0, 0], k=(1, 7))
    assert report.recall == {1: 1.0, 7: 1.0}


def test_all_alone():
    report = retrieval(np.eye(4), range(4))
    assert report.queries == 0
    assert np.isnan(numbers(report)).all()


def test_memory_does_not_grow_with_the_square():
    x = RNG.normal(size=(20_000, 4)).astype("float32")
    labels = np.arange(20_000) // 2
    # A few queries, all references: the rest is a loop.
    labels[400:] = np.arange(19_600) + 20_000
    tracemalloc.start()
    retrieval(x, labels)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 0.2 * 4 * len(x) ** 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "`k` must"),
        ({"k": (1, 2.5)}, "`k` must"),
        ({"k": ()}, "`k` must"),
        ({"distance": "l1"}, "`distance` must"),
        ({"labels": [0, 1]}, "`labels` must hold one label for each of the 3"),
        ({"labels": [0, 1, float("nan")]}, "`labels` must name a class"),
        ({"embeddings": [[1.0], [np.nan], [2.0]]}, "first at index 1"),
        ({"embeddings": [1.0, 2.0, 3.0]}, "`embeddings` must be a matrix"),
    ],
)
def test_errors(options, message):
    given = {"embeddings": [[1.0], [2.0], [3.0]], "labels": [0, 0, 1]}
    with pytest.raises(ValueError, match=message):
        retrieval(**{**given, **options})
