"""The protocol against plain loops written from its text."""

import math
import sys

import numpy as np
import pytest

from keras_hypersphere.evaluation import megaface
from keras_hypersphere.evaluation.comparison import COMPARISONS
from keras_hypersphere.evaluation.megaface_report import accepted_at

# The file, which the package's function of that name hides.
FILE = sys.modules[megaface.__module__]


def score(a, b, distance):
    """Oriented: larger is more alike."""
    if distance != "cosine":
        return -math.fsum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    norms = math.fsum(x * x for x in a) * math.fsum(x * x for x in b)
    dot = math.fsum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(norms) if norms else 0.0


def oracle(probes, labels, distractors, ranks, far, distance):
    """Rank rates, the TAR, and the score that has to be surpassed."""
    probes = probes.astype(float).tolist()
    distractors = [
        [score(p, d, distance) for d in distractors.astype(float).tolist()]
        for p in probes
    ]
    descending = sorted((s for row in distractors for s in row), reverse=True)
    pairs = len(descending)
    accepted = max(c for c in range(pairs) if c / pairs <= far)
    limit = descending[accepted]
    found, passed = [], []
    for i, p in enumerate(probes):
        for j, q in enumerate(probes):
            if i != j and labels[i] == labels[j]:
                mate = score(p, q, distance)
                found.append(1 + sum(s >= mate for s in distractors[i]))
                passed.append(mate > limit)
    rates = [np.mean([f <= k for f in found]) for k in range(1, ranks + 1)]
    return rates, np.mean(passed), limit


def people(seed, dtype=np.float64):
    random = np.random.default_rng(seed)
    count, size = int(random.integers(4, 30)), int(random.integers(2, 20))
    labels = random.integers(0, count // 3, count)
    labels[1] = labels[0]
    centers = random.normal(size=(count, size))
    probes = centers[labels] + 0.9 * random.normal(size=(count, size))
    distractors = random.normal(size=(int(random.integers(1, 200)), size))
    return probes.astype(dtype), labels, distractors.astype(dtype)


@pytest.mark.parametrize("distance", ["cosine", "l2", "squared-l2"])
@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_loops(seed, distance, monkeypatch):
    # Blocks of a few rows, of unlike sizes.
    probes, labels, distractors = people(
        seed, [np.float32, np.float64][seed % 2]
    )
    monkeypatch.setattr(FILE, "PRODUCTS", len(probes) * (7 + 40 * seed))
    far = [0.0, 1e-2, 0.2, 0.6][seed % 4]
    report = megaface(probes, labels, distractors, 1 + 3 * seed, far, distance)
    rates, tar, limit = oracle(
        probes, labels, distractors, 1 + 3 * seed, far, distance
    )
    np.testing.assert_allclose(report.ranks, rates, atol=1e-12)
    assert report.rank_1 == report.ranks[0]
    assert report.tar == pytest.approx(tar)
    shown = {"cosine": limit, "squared-l2": -limit, "l2": abs(limit) ** 0.5}
    assert report.threshold == pytest.approx(shown[distance], abs=1e-12)
    for lower in (0.0, far / 3, far):
        _, tar, _ = oracle(probes, labels, distractors, 1, lower, distance)
        assert report.tar_at(lower) == pytest.approx(tar)
    assert report.threshold_at(far) == report.threshold
    rates = report.curve()
    assert len(rates[0]) == accepted_at(far, report.pairs) + 1
    for rate, tar in zip(*rates, strict=True):
        assert report.tar_at(rate) == tar
    assert report.probes == len(probes)
    assert report.distractors == len(distractors)


@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_streams_give_the_same(distance, tmp_path):
    probes, labels, distractors = people(3, np.float32)
    whole = megaface(probes, labels, distractors, far=0.05, distance=distance)
    path = tmp_path / "gallery.npy"
    np.save(path, distractors)
    pieces = [
        np.load(path, mmap_mode="r"),
        (distractors[i : i + 3] for i in range(0, len(distractors), 3)),
        [distractors[:1], distractors[1:1], distractors[1:]],
        distractors.astype(np.float64),
        np.asfortranarray(distractors),
        distractors.tolist(),
    ]
    for piece in pieces:
        other = megaface(probes, labels, piece, far=0.05, distance=distance)
        np.testing.assert_array_equal(other.ranks, whole.ranks)
        assert (other.tar, other.threshold) == (whole.tar, whole.threshold)
        np.testing.assert_array_equal(
            other.distractor_scores, whole.distractor_scores
        )


def test_agrees_with_the_exact_scores_of_a_larger_gallery():
    # Several blocks, and more scores than are computed in float64.
    random = np.random.default_rng(0)
    labels = np.arange(60) // 3
    noise = np.linspace(0.5, 1.5, 20)[labels, None]
    probes = random.normal(size=(20, 64))[labels]
    probes += noise * random.normal(size=(60, 64))
    probes = probes.astype(np.float32)
    distractors = random.normal(size=(60_000, 64)).astype(np.float32)
    report = megaface(probes, labels, distractors, ranks=20, far=1e-4)
    units = probes.astype(float)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    others = distractors.astype(float)
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    scores = units @ others.T
    descending = np.sort(scores, axis=None)[::-1]
    assert report.threshold == pytest.approx(descending[360], abs=1e-12)
    np.testing.assert_allclose(
        report.distractor_scores, descending[:361], atol=1e-12
    )
    mates = (units @ units.T)[labels[:, None] == labels]
    couples = np.sort(mates[mates < 1 - 1e-9])
    np.testing.assert_allclose(np.sort(report.mate_scores), couples, atol=1e-12)
    assert report.tar == np.mean(couples > descending[360])
    found = []
    for i, j in zip(*np.nonzero(labels[:, None] == labels), strict=True):
        if i != j:
            found.append(1 + np.sum(scores[i] >= units[i] @ units[j]))
    expected = [np.mean(np.array(found) <= k) for k in range(1, 21)]
    np.testing.assert_allclose(report.ranks, expected, atol=1e-12)
    assert 0.02 < report.rank_1 < report.ranks[-1] < 0.99
    assert 0.02 < report.tar < 0.99


@pytest.mark.parametrize("distance", ["cosine", "l2", "squared-l2"])
@pytest.mark.parametrize("seed", range(3))
def test_bounds_hold_every_score(seed, distance):
    random = np.random.default_rng(seed)
    probes = random.normal(size=(30, 128)).astype(np.float32)
    lengths = 10.0 ** random.uniform(-4, 4, size=(200, 1))
    block = (lengths * random.normal(size=(200, 128))).astype(np.float32)
    block[:30] = probes
    block[30] = 0
    compare = COMPARISONS[distance](probes, 200)
    bounds = compare.bounds(block, 0).copy()
    for column in range(200):
        rows = np.tile(block[column], (30, 1))
        exact = compare.exact(np.arange(30), rows)
        assert (bounds[:, column] >= compare.limits(exact)).all()
        assert (compare.floors(bounds[:, column]) <= exact).all()


def test_by_hand():
    # Probes of "a" at 0 and 10 degrees, of "b" at 90 and 60; distractors at
    # 45 and 180. Both "a" find each other. From 90, the mate is 30 away and
    # the distractor 45; from 60, the mate is 30 away but the distractor 15.
    def at(*degrees):
        turned = np.radians(degrees)
        return np.stack([np.cos(turned), np.sin(turned)], axis=1)

    probes, labels = at(0, 10, 90, 60), ["a", "a", "b", "b"]
    report = megaface(probes, labels, at(45, 180), ranks=2, far=0.0)
    assert report.ranks.tolist() == [0.75, 1.0]
    assert report.rank_1 == 0.75
    assert report.couples == 4
    # The best distractor is 15 degrees away; the couples 10, 10, 30 and 30.
    assert report.threshold == pytest.approx(math.cos(math.radians(15)))
    assert report.tar == 0.5
    # One of eight pairs may pass: then the next best, 35 degrees, counts.
    report = megaface(probes, labels, at(45, 180), far=1 / 8)
    assert report.threshold == pytest.approx(math.cos(math.radians(35)))
    assert report.tar == 1.0
    assert report.tar_at(0.124) == 0.5


@pytest.mark.parametrize("distance", ["cosine", "squared-l2"])
def test_copies_of_mates_tie(distance, monkeypatch):
    random = np.random.default_rng(1)
    probes = random.normal(size=(40, 61)).astype(np.float32)
    labels = np.arange(40) // 2
    probes[1::2] = probes[::2] + 0.2 * probes[1::2]
    distractors = random.normal(size=(900, 61)).astype(np.float32)
    assert (
        megaface(probes, labels, distractors, distance=distance).rank_1 == 1.0
    )
    for rows in (11, 64, 900):
        monkeypatch.setattr(FILE, "PRODUCTS", 40 * rows)
        # Every mate is a distractor as well, once or twice.
        places = random.permutation(900)[:60]
        copies = distractors.copy()
        copies[places] = probes[np.arange(60) % 40]
        report = megaface(probes, labels, copies, 60, distance=distance)
        # The probe itself is among them, and better than its mate.
        assert report.ranks[:2].tolist() == [0.0, 0.0]
        assert report.ranks[4] == 1.0
        assert report.tar == 0.0


def test_failed_probes_are_errors():
    probes, labels, distractors = people(2)
    failed = np.zeros(len(probes), bool)
    failed[0] = True
    probes[0] = np.nan
    report = megaface(probes, labels, distractors, far=0.1, failed=failed)
    part = megaface(probes[1:], labels[1:], distractors, far=0.1)
    lost = 2 * (np.sum(labels == labels[0]) - 1)
    assert lost
    assert report.couples == part.couples + lost
    share = part.couples / report.couples
    np.testing.assert_allclose(report.ranks, part.ranks * share)
    assert report.tar == pytest.approx(part.tar * share)
    assert report.tar_at(0.1) == report.tar


@pytest.mark.parametrize("factor", [1e-30, 1e-160, 1e30, 1e160])
@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_lengths_do_not_matter(factor, distance):
    probes, labels, distractors = people(4)
    one = megaface(probes, labels, distractors, far=0.1, distance=distance)
    other = megaface(
        factor * probes,
        labels,
        factor * distractors,
        far=0.1,
        distance=distance,
    )
    np.testing.assert_array_equal(other.ranks, one.ranks)
    assert other.tar == one.tar
    expected = one.threshold * (factor if distance == "l2" else 1)
    assert other.threshold == pytest.approx(expected)


def test_input_is_not_changed():
    probes, labels, distractors = people(0)
    copies = probes.copy(), labels.copy(), distractors.copy()
    for distance in COMPARISONS:
        megaface(probes, labels, distractors, distance=distance)
    for now, before in zip((probes, labels, distractors), copies, strict=True):
        np.testing.assert_array_equal(now, before)


@pytest.mark.parametrize(("far", "pairs"), [(0.29, 100), (1e-6, 3_530_000_000)])
def test_counts_of_a_rate_are_exact(far, pairs):
    count = accepted_at(far, pairs)
    assert count / pairs <= far < (count + 1) / pairs
    assert accepted_at(np.nextafter(count / pairs, 0), pairs) == count - 1


def test_the_gallery_is_never_copied(monkeypatch):
    import tracemalloc

    monkeypatch.setattr(FILE, "PRODUCTS", 2**18)
    random = np.random.default_rng(0)
    distractors = random.normal(size=(100_000, 64)).astype(np.float32)
    probes, labels = distractors[:100], np.arange(100) // 2
    tracemalloc.start()
    megaface(probes, labels, distractors)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < distractors.nbytes / 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probes": np.ones(3)}, "`probes` must be a matrix"),
        ({"probe_labels": [1, 2]}, "`probe_labels` must name the person"),
        ({"probe_labels": [1, 2, 3, 4]}, "name some person twice"),
        ({"distractors": np.ones((3, 5))}, r"shape \(faces, 2\)"),
        ({"distractors": np.ones(3)}, r"shape \(faces, 2\)"),
        ({"distractors": [np.ones((3, 2)), np.ones((3, 1))]}, "faces, 2"),
        ({"distractors": np.ones((0, 2))}, "at least one face"),
        ({"distractors": iter([])}, "at least one face"),
        ({"distractors": 3}, "`distractors` must be a matrix"),
        ({"distractors": np.full((9, 2), "a")}, "real numbers"),
        ({"distractors": np.array([[1.0, 1], [np.nan, 1]])}, "index 1"),
        (
            {"distractors": iter([np.ones((4, 2)), np.full((1, 2), np.inf)])},
            "index 4. Leave rows",
        ),
        (
            {"distractors": np.array([[np.inf, 1]]), "distance": "l2"},
            "index 0. Leave rows",
        ),
        (
            {"distractors": np.full((2, 2), 1e30), "distance": "l2"},
            "about the size of the probes",
        ),
        ({"probes": np.full((4, 2), np.nan)}, "`probes` must hold finite"),
        ({"ranks": 0}, "`ranks` must be"),
        ({"ranks": 2.5}, "`ranks` must be"),
        ({"far": 1.0}, "`far` must be a rate"),
        ({"far": -0.1}, "`far` must be a finite number"),
        ({"far": math.nan}, "`far` must be a finite number"),
        ({"far": "0.1"}, "`far` must be a finite number"),
        ({"distance": "l1"}, "`distance` must be one of"),
        ({"failed": [1, 1, 1, 1]}, "at least one probe"),
        ({"failed": [1, 1]}, "each of the 4 probes"),
        (
            {"distractors": iter([np.ones((99_999, 2))] * 4), "far": 0.2},
            "131071 can be counted",
        ),
        (
            {
                "distractors": np.broadcast_to([1.0, 2.0], (10**8, 2)),
                "far": 0.5,
            },
            "Take a smaller `far`",
        ),
    ],
)
def test_refuses(change, message):
    arguments = {
        "probes": np.array([[1.0, 0], [1, 1], [0, 1], [1, 2]]),
        "probe_labels": [0, 0, 1, 1],
        "distractors": np.array([[1.0, 1], [-1, 0]]),
        **change,
    }
    with pytest.raises(ValueError, match=message):
        megaface(**arguments)


def test_refuses_rates_for_which_nothing_was_kept():
    report = megaface([[1, 0], [1, 1]], [0, 0], [[0, 1]], far=0.5)
    with pytest.raises(ValueError, match=r"from 0 to 0\.5"):
        report.tar_at(0.6)
