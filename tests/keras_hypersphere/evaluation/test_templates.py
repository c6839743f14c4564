"""Template protocols, compared with loops written from the definitions."""

import math

import numpy as np
import pytest

from keras_hypersphere.evaluation import (
    identification,
    template_pairs,
    templates,
)


def faces(seed=0, people=8, dim=5):
    """Faces, templates and media; a medium may be in two templates."""
    draw = np.random.default_rng(seed)
    template = np.repeat(np.arange(2 * people), 6) * 3
    media = draw.integers(4, size=len(template)) + 10 * (template // 12)
    centers = draw.normal(size=(people, dim))
    vectors = centers[template // 6] + 0.7 * draw.normal(
        size=(len(template), dim)
    )
    return vectors, template, media


def pooled(vectors, template, media):
    """In plain floats: the mean of each medium, of these, its direction."""
    found = {}
    for name in sorted(set(template.tolist())):
        means = []
        for medium in sorted(set(media[template == name].tolist())):
            rows = [
                vectors[i]
                for i in range(len(vectors))
                if template[i] == name and media[i] == medium
            ]
            means.append(
                [
                    math.fsum(column) / len(rows)
                    for column in zip(*rows, strict=True)
                ]
            )
        mean = [
            math.fsum(column) / len(means)
            for column in zip(*means, strict=True)
        ]
        length = math.sqrt(math.fsum(x * x for x in mean))
        found[name] = [x / length for x in mean]
    return found


def cosine(a, b):
    dot = math.fsum(x * y for x, y in zip(a, b, strict=True))
    squares = math.fsum(x * x for x in a), math.fsum(x * x for x in b)
    return dot / math.sqrt(squares[0] * squares[1])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_templates_are_the_definition_s(dtype):
    vectors, template, media = faces()
    vectors = vectors.astype(dtype)
    found, ids = templates(vectors, template, media)
    wanted = pooled(vectors.astype(np.float64), template, media)
    assert ids.tolist() == list(wanted) and found.dtype == np.float64
    np.testing.assert_allclose(found, list(wanted.values()), atol=1e-14)
    order = np.random.default_rng(1).permutation(len(vectors))
    again, _ = templates(vectors[order], template[order], media[order])
    np.testing.assert_allclose(again, found, atol=1e-14)


def test_frames_do_not_outvote_photos():
    vectors = [[1, 0]] * 9 + [[0, 1]]
    media = ["video"] * 9 + ["photo"]
    found, ids = templates(vectors, ["t"] * 10, media)
    np.testing.assert_allclose(found, [[0.5**0.5] * 2])
    assert ids.tolist() == ["t"]


def test_faces_that_failed():
    vectors = np.array([[1, 0], [np.nan, np.nan], [0, 1], [np.inf, 0]])
    failed = [0, 1, 0, 1]
    found, ids = templates(vectors, [1, 1, 2, 3], [1, 2, 3, 4], failed)
    assert found.tolist() == [[1, 0], [0, 1], [0, 0]] and len(ids) == 3
    report = template_pairs(found, ids, [1, 1, 3], [1, 2, 3], [1, 0, 1])
    # A template without any face is never "same".
    assert report.tar_at(0.0) == 0.5
    with pytest.raises(ValueError, match="`embeddings` must hold finite"):
        templates(vectors, [1, 1, 2, 3], [1, 2, 3, 4])
    # Opposite faces: no direction, and no NaN.
    found, _ = templates([[1.0, 0], [-1.0, 0]], [1, 1], [1, 2])
    assert found.tolist() == [[0, 0]]


def test_pairs_are_the_loop_s():
    """TAR at every FAR, and the DET curve, with ties among the pairs."""
    vectors, template, media = faces(3)
    found, ids = templates(vectors, template, media)
    found[5] = found[1]
    left = np.repeat(ids, len(ids))
    right = np.tile(ids, len(ids))
    left, right = left[left < right], right[left < right]
    left, right = np.append(left, left[:7]), np.append(right, right[:7])
    same = left // 6 == right // 6
    report = template_pairs(found, ids, left, right, same)
    rows = dict(zip(ids.tolist(), found, strict=True))
    scores = [
        round(cosine(rows[a], rows[b]), 13)
        for a, b in zip(left.tolist(), right.tolist(), strict=True)
    ]
    for far in (0.0, 1e-6, 0.01, 0.1, 0.5, 1.0):
        best = 0.0
        for threshold in [*scores, 2.0]:
            accepted = [score >= threshold for score in scores]
            wrong = sum(np.array(accepted)[~same])
            right_ones = sum(np.array(accepted)[same])
            if wrong / (~same).sum() <= far:
                best = max(best, right_ones / same.sum())
        assert report.tar_at(far) == pytest.approx(best, abs=1e-15), far
    accepts, rejects = report.det()
    assert accepts[0] == 0 and rejects[0] == 1
    assert accepts[-1] == 1 and rejects[-1] == 0
    assert (np.diff(accepts) >= 0).all() and (np.diff(rejects) <= 0).all()


@pytest.mark.slow
def test_far_of_a_millionth():
    """Two of 2,000,000 pairs may pass; the nearest 2,000 are a tie."""
    count = 2_000_000
    angles = np.linspace(0.5, 1.5, 1000)
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1)
    vectors = np.concatenate([[[1.0, 0.0]], vectors])
    left = np.zeros(count + 4, int)
    right = np.append(1 + np.arange(count) % 1000, [1, 1, 1, 1])
    same = np.arange(count + 4) >= count
    report = template_pairs(vectors, range(1001), left, right, same)
    assert report.tar_at(1e-6) == 0.0 and report.tar_at(0.001) == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_identification_is_the_loop_s(seed):
    vectors, template, media = faces(seed, people=10)
    found, ids = templates(vectors, template, media)
    people = ids // 6
    first = ids % 6 == 0
    known = first & (people < 6)
    gallery, names = found[known].copy(), people[known]
    # Copies: somebody ties with the mate, another with the best.
    gallery[1] = gallery[0]
    probes, owners = found[~first], people[~first]
    probes[2] = gallery[2]
    failed = np.zeros(len(probes), bool)
    failed[[3, 8]] = True
    report = identification(gallery, names, probes, owners, 4, failed)
    mated, strange, ranks = [], [], []
    for i in range(len(probes)):
        scores = [round(cosine(probes[i], row), 13) for row in gallery]
        if owners[i] in names:
            mate = scores[names.tolist().index(owners[i])]
            rank = sum(s >= mate for s in scores)
            rank = 99 if failed[i] else rank
            ranks.append(rank)
            mated.append(mate if rank == 1 else -9.0)
        else:
            strange.append(9.0 if failed[i] else max(scores))
    assert report.mated == len(mated) and report.non_mated == len(strange)
    wanted = [np.mean([r <= k for r in ranks]) for k in (1, 2, 3, 4)]
    assert report.ranks.tolist() == wanted and report.rank_1 == wanted[0]
    for fpir in (0.0, 0.25, 0.5, 0.75, 1.0):
        best = 0.0
        for threshold in [*mated, *strange, 5.0]:
            false = np.mean([s >= threshold for s in strange])
            true = np.mean([s >= max(threshold, -2) for s in mated])
            if false <= fpir:
                best = max(best, true)
        assert report.tpir_at(fpir) == pytest.approx(best, abs=1e-15), fpir


def test_collapsed_templates_find_nobody():
    ones = np.ones((4, 3))
    report = identification(ones, range(4), ones, range(4))
    assert report.rank_1 == 0.0 and report.ranks[3] == 1.0
    with pytest.raises(ValueError, match="`fpir` needs probes of people who"):
        report.tpir_at(0.1)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"gallery_labels": [1, 1]}, "`gallery_labels` must name each person"),
        ({"gallery_labels": [1]}, "`gallery_labels` must name the person of"),
        ({"probe_labels": [8, 9]}, "`probe_labels` must name somebody"),
        ({"probes": [[1.0], [2.0]]}, "`probes` must have as many dimensions"),
        ({"ranks": 0}, "`ranks` must be a whole number"),
        ({"probes": [[1, np.nan], [1, 2]]}, "`probes` must hold finite"),
    ],
)
def test_wrong_arguments(change, message):
    right = {
        "gallery": [[1.0, 0], [0, 1]],
        "gallery_labels": [1, 2],
        "probes": [[1.0, 0], [0, 1]],
        "probe_labels": [1, 2],
    }
    with pytest.raises(ValueError, match=message):
        identification(**{**right, **change})


def test_wrong_lists():
    rows = np.eye(3)
    with pytest.raises(ValueError, match=r"`left` must hold ids of `ids`"):
        template_pairs(rows, [1, 2, 3], [4], [1], [1])
    with pytest.raises(ValueError, match="`ids` must name each"):
        template_pairs(rows, [1, 2, 2], [1], [1], [1])
    with pytest.raises(ValueError, match="must be as long"):
        template_pairs(rows, [1, 2, 3], [1, 2], [1], [1])
    with pytest.raises(ValueError, match="`media_ids` must name that of each"):
        templates(rows, [1, 2, 3], [1])
