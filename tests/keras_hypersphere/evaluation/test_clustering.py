import itertools
import math

import numpy as np
import pytest

from keras_hypersphere.evaluation import cluster


def distance_of(a, b, distance):
    if distance == "cosine":
        top = sum(x * y for x, y in zip(a, b, strict=True))
        norms = math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
        return 1.0 - (top / norms if norms else 0.0)
    square = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    return square if distance == "squared-l2" else math.sqrt(square)


def oracle(faces, threshold, distance, linkage):
    """Joins the nearest two groups, over and over; plain loops."""
    faces = faces.tolist()
    groups = [[i] for i in range(len(faces))]
    while len(groups) > 1:
        best = None
        for a, b in itertools.combinations(range(len(groups)), 2):
            gaps = [
                distance_of(faces[i], faces[j], distance)
                for i in groups[a]
                for j in groups[b]
            ]
            gap = {
                "average": math.fsum(gaps) / len(gaps),
                "complete": max(gaps),
                "single": min(gaps),
            }[linkage]
            if best is None or gap < best[0]:
                best = gap, a, b
        gap, a, b = best
        if gap >= threshold:
            break
        groups[a] += groups.pop(b)
    groups.sort(key=min)
    labels = [0] * len(faces)
    for label, group in enumerate(groups):
        for i in group:
            labels[i] = label
    return labels


@pytest.mark.parametrize("linkage", ["average", "complete", "single"])
@pytest.mark.parametrize(
    ("distance", "thresholds"),
    [
        ("cosine", (0.1, 0.3, 0.7)),
        ("l2", (0.5, 1.2, 2.0)),
        ("squared-l2", (0.5, 1.5, 4.0)),
    ],
)
def test_agrees_with_loops(distance, thresholds, linkage):
    random = np.random.default_rng(0)
    centers = random.normal(size=(5, 3))
    faces = centers[random.integers(0, 5, 24)] + 0.4 * random.normal(
        size=(24, 3)
    )
    counts = set()
    for threshold in thresholds:
        labels = cluster(faces, threshold, distance, linkage)
        assert labels.tolist() == oracle(faces, threshold, distance, linkage)
        counts.add(labels.max())
    assert len(counts) > 1


def test_linkages_by_hand():
    # On a line: 0, 1, 2.5. The first two join at 1; then the third is at
    # 1.5 (single), 2 (average), 2.5 (complete).
    line = np.array([[0.0], [2.5], [1.0]])
    for linkage, gap in (("single", 1.5), ("average", 2.0), ("complete", 2.5)):
        apart = cluster(line, gap, "l2", linkage)
        joined = cluster(line, np.nextafter(gap, 9), "l2", linkage)
        assert apart.tolist() == [0, 1, 0]
        assert joined.tolist() == [0, 0, 0]


def test_groups_are_numbered_by_first_appearance():
    line = np.array([[9.0], [0.0], [5.0], [0.1], [9.1]])
    assert cluster(line, 1.0, "l2").tolist() == [0, 1, 2, 1, 0]


def test_duplicates_join_and_a_threshold_of_zero_joins_nothing():
    faces = np.array([[1.0, 2.0]] * 3)
    assert cluster(faces, 1e-6, "l2").tolist() == [0, 0, 0]
    assert cluster(faces, 0.0, "l2").tolist() == [0, 1, 2]
    assert cluster(faces, 1e-6).tolist() == [0, 0, 0]


def test_zero_vectors_are_at_cosine_distance_one():
    faces = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    assert cluster(faces, 0.99).tolist() == [0, 1, 0]
    assert cluster(faces, 1.01).tolist() == [0, 0, 0]


def test_a_single_face_and_other_number_types():
    assert cluster([[1, 2, 3]], 0.5).tolist() == [0]
    faces = np.array([[1, 0], [0, 1], [2, 0]])
    for dtype in (np.int8, np.float16, np.float32):
        assert cluster(faces.astype(dtype), 0.5).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threshold": -0.1}, "`threshold` must be a finite number from 0"),
        ({"threshold": math.nan}, "`threshold` must be a finite number"),
        ({"threshold": math.inf}, "`threshold` must be a finite number"),
        ({"threshold": "0.6"}, "`threshold` must be a finite .*='0.6'"),
        ({"threshold": None}, "`threshold` must be a finite number"),
        ({"linkage": ["average"]}, "`linkage` must be one of"),
        ({"distance": ["l2"]}, "`distance` must be one of"),
        ({"embeddings": [[1.0], [2.0, 3.0]]}, "rows of different lengths"),
        ({"distance": "l1"}, "`distance` must be one of"),
        ({"linkage": "ward"}, "`linkage` must be one of"),
        ({"embeddings": np.zeros(3)}, r"a matrix \(faces, dimensions\)"),
        ({"embeddings": [[1.0], [np.nan]]}, "index 1. Leave them out"),
        (
            {"embeddings": [[1e200], [-1e200]], "distance": "l2"},
            "overflow float64",
        ),
    ],
)
def test_refuses(change, message):
    arguments = {"embeddings": np.eye(3), "threshold": 0.5, **change}
    with pytest.raises(ValueError, match=message):
        cluster(**arguments)
