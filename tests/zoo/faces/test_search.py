"""The fast search against loops."""

import tracemalloc

import numpy as np
import pytest

from keras_hypersphere.zoo.faces import search
from keras_hypersphere.zoo.faces.distance import distances
from keras_hypersphere.zoo.faces.enrolled import enroll
from keras_hypersphere.zoo.faces.search import Search

KINDS = ("cosine", "l2", "squared-l2")


def rows(count, people, dim=16, seed=0):
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(count, dim)).astype(np.float32)
    # Ties, and a vector without a direction.
    vectors[count // 2] = vectors[1]
    vectors[-1] = 0
    names = [f"p{n}" for n in draw.integers(0, people, count)]
    return enroll(vectors, names, [str(n) for n in range(count)], dim)


@pytest.mark.parametrize("kind", KINDS)
def test_nearest_is_exact(kind):
    made = rows(60, 9)
    found = Search(made, kind)
    draw = np.random.default_rng(1)
    for probe in (*draw.normal(size=(9, 16)), made.embeddings[1], np.zeros(16)):
        away = distances(probe, made.embeddings, kind)[0]
        best = {}
        for row in np.argsort(away, kind="stable"):
            best.setdefault(made.names[row], (away[row], str(row)))
        for top_k in (1, 4, 100):
            wanted = [(name, *rest) for name, rest in best.items()][:top_k]
            matches = found.nearest(probe, top_k)
            assert [(m.name, m.distance, m.photo) for m in matches] == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_rounding_of_the_product_hides_nobody(kind):
    """Rows that float32 cannot tell apart, far from the origin."""
    draw = np.random.default_rng(2)
    base = 100 * draw.normal(size=128)
    vectors = (base + 1e-3 * draw.normal(size=(300, 128))).astype(np.float32)
    names = [str(n) for n in range(300)]
    found = Search(enroll(vectors, names, names, 128), kind)
    for probe in vectors[:20].astype(np.float64) + 1e-4:
        away = distances(probe, vectors, kind)[0]
        assert found.nearest(probe, 1)[0].distance == away.min()


@pytest.mark.parametrize("kind", KINDS)
def test_nearest_others(kind, monkeypatch):
    # A block of three rows: more than one block.
    monkeypatch.setattr(search, "SCORES", 3 * 61)
    made = rows(60, 9)
    away, place = Search(made, kind).nearest_others()
    matrix = distances(made.embeddings, made.embeddings, kind)
    same = np.array(made.names)[:, None] == np.array(made.names)
    matrix[same] = np.inf
    np.testing.assert_allclose(away, matrix.min(axis=1), atol=1e-6)
    for row, other in enumerate(place):
        assert made.names[row] != made.names[other]
        assert away[row] == matrix[row, other]


def test_nobody_else():
    alone = enroll(np.eye(3), ["a"] * 3, list("xyz"), 3)
    away, _ = Search(alone, "l2").nearest_others()
    assert np.isinf(away).all()
    nobody = Search(enroll(np.empty((0, 3)), [], [], 3), "l2")
    assert nobody.nearest(np.ones(3), 5) == () and nobody.people == []
    assert len(nobody.nearest_others()[0]) == 0


@pytest.mark.parametrize("kind", ["cosine", "l2"])
def test_what_is_kept_is_not_searched_again(kind, monkeypatch):
    everything = rows(80, 12)
    draw = np.random.default_rng(3)
    for _ in range(8):
        first = np.sort(draw.permutation(80)[:50])
        old = everything.take(first)
        gone = {f"p{n}" for n in draw.integers(0, 12, 3)}
        kept = [row for row in range(50) if old.names[row] not in gone]
        fresh = np.setdiff1d(np.arange(80), first)[: draw.integers(0, 20)]
        new = old.take(kept) + everything.take(fresh)
        before = Search(old, kind).nearest_others()
        whole = Search(new, kind).nearest_others()
        part = Search(new, kind).nearest_others(before, kept)
        np.testing.assert_array_equal(part[0], whole[0])
    # One new row among many asks for few scores.
    asked = []
    compute = Search._scores
    monkeypatch.setattr(
        Search,
        "_scores",
        lambda self, probes, first=0: (
            asked.append(len(probes) * (len(self.rows) - first))
            or compute(self, probes, first)
        ),
    )
    old = rows(500, 100)
    before = Search(old, kind).nearest_others()
    asked.clear()
    Search(old + rows(2, 1, seed=9).take([0]), kind).nearest_others(
        before, range(500)
    )
    assert sum(asked) <= 500 + 501


def test_memory_is_bounded_by_blocks(monkeypatch):
    monkeypatch.setattr(search, "SCORES", 100_000)
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(4000, 8)).astype(np.float32)
    names = [str(n) for n in range(4000)]
    found = Search(enroll(vectors, names, names, 8), "l2")
    tracemalloc.start()
    found.nearest_others()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The whole matrix would take 64 MB.
    assert peak < 8e6
