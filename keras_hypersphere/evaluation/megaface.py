"""MegaFace: a person's photos against a gallery of distractors."""

import warnings
from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import gallery_blocks, input_checks, rounding
from keras_hypersphere.evaluation.comparison import COMPARISONS, Scores
from keras_hypersphere.evaluation.megaface_report import (
    MegaFaceReport,
    accepted_at,
)
from keras_hypersphere.evaluation.nearest import TOGETHER, NearestDistractors

# Numbers in one product of probes with a block of the gallery, 32 MB.
PRODUCTS = 2**23
# Scores that are kept where the size of the gallery is not known before.
UNKNOWN = 2**17
# More are not kept: they would take 2 GB.
MOST = 2**26


def megaface(
    probes: ArrayLike,
    probe_labels: ArrayLike,
    distractors: ArrayLike | Iterable[ArrayLike],
    ranks: int = 10,
    far: float = 1e-6,
    distance: str = "cosine",
    failed: ArrayLike | None = None,
) -> MegaFaceReport:
    """Measures identification and verification among distractors.

    Identification: a probe, and one other photo of its person, the mate,
    which is put into the gallery of distractors; in turn for all such
    couples. The rank of the mate is 1 plus the number of distractors that
    score as well or better: ties count against the model.

    Verification: all couples, against all pairs of a probe and a distractor.
    `tar` is the largest true accept rate of a threshold whose false accept
    rate does not exceed `far`. It is exact: no curve is sampled.

    The gallery is read once and in blocks, and never copied as a whole. A
    product of matrices in float32 finds the few scores that can matter, with
    a bound on its rounding; these are computed in float64. Memory: about
    50 MB, and 32 bytes for each of the `far · probes · distractors` scores
    that are kept.

    Args:
        probes: `(p, d)` embeddings.
        probe_labels: `(p,)` the person of each probe.
        distractors: `(n, d)` embeddings of other people: an array, a
            `numpy.memmap`, anything with a shape that gives rows as slices;
            or an iterable of such blocks, best of some thousand rows, such
            as `EmbeddingShards`, which reads parquet files.
        ranks: up to which rank to report.
        far: the false accept rate of `tar`. From an iterable up to 131,071
            false accepts can be counted.
        distance: `"cosine"`, as published (the devkit takes the Euclidean
            distance of unit vectors, which ranks alike), or `"l2"` or
            `"squared-l2"` of the embeddings as they are.
        failed: optional `(p,)` booleans: probes without an embedding. Their
            couples count as errors; their rows are not read.

    Returns:
        A `MegaFaceReport`: `rank_1`, `ranks`, `tar`, `tar_at(far)`, …

    Raises:
        ValueError: If an argument is not one of those above, or embeddings
            are not finite or not of one size.

    Example:

    >>> probes = [[1, 0], [1, 0.1], [0, 1], [0.6, 1]]
    >>> report = megaface(probes, list("aabb"), [[1, 1], [-1, 0]], ranks=2)
    >>> report.rank_1, report.ranks.tolist(), report.tar
    (0.75, [0.75, 1.0], 0.5)

    Reference:

    * [The MegaFace Benchmark](https://arxiv.org/abs/1512.00596),
      Kemelmacher-Shlizerman et al., 2016
    * [SphereFace](https://arxiv.org/abs/1704.08063), Liu et al., 2017
    """
    vectors = input_checks.as_embeddings(probes, "probes")
    labels = np.asarray(probe_labels)
    if labels.shape != (len(vectors),):
        raise ValueError(
            f"`probe_labels` must name the person of each of the "
            f"{len(vectors)} probes. "
            f"Received: probe_labels of shape {labels.shape}."
        )
    if not isinstance(ranks, (int, np.integer)) or ranks < 1:
        raise ValueError(
            f"`ranks` must be a whole number from 1. Received: ranks={ranks!r}."
        )
    far = input_checks.as_number(far, "far", 0.0)
    if far >= 1:
        raise ValueError(
            f"`far` must be a rate from 0 to less than 1. Received: far={far}."
        )
    input_checks.require_distance(distance)
    if failed is None:
        failed = np.zeros(len(vectors), bool)
    used = ~input_checks.as_flags(failed, "failed", len(vectors), "probes")
    couples = _couple_count(labels)
    vectors, labels = vectors[used], labels[used]
    if not len(vectors):
        raise ValueError("`failed` must leave at least one probe.")
    input_checks.require_finite(
        vectors, "probes", hint="Probes without one are marked with `failed`."
    )
    if isinstance(distractors, (list, tuple)) and np.ndim(distractors[:1]) == 2:
        distractors = np.asarray(distractors)

    rows = max(1, PRODUCTS // len(vectors))
    count = gallery_blocks.row_count(distractors)
    if count is not None:
        rows = max(1, min(rows, count))
        kept = accepted_at(far, len(vectors) * count) + 1 if count else 1
        if kept > MOST:
            raise ValueError(
                f"far={far} of {len(vectors) * count} pairs is {kept - 1} "
                f"false accepts, of which {MOST - 1} can be counted. Take a "
                "smaller `far`, or a part of the distractors."
            )
    else:
        kept = UNKNOWN
    compare = COMPARISONS[distance](vectors, rows)
    search = NearestDistractors(compare, ranks, kept)
    error = rounding.error(vectors)
    for block in gallery_blocks.blocks(distractors, rows, vectors.shape[1]):
        error = max(error, rounding.error(block))
        search.add(block)
    pairs = len(vectors) * search.seen
    if not pairs:
        raise ValueError("`distractors` must hold at least one face.")
    accepted = accepted_at(far, pairs)
    if accepted >= kept:
        raise ValueError(
            f"far={far} of {pairs} pairs is {accepted} false accepts; of an "
            f"iterable {UNKNOWN - 1} can be counted. Pass one array (or a "
            "numpy.memmap), whose size is known, or a smaller `far`."
        )
    best = search.best()[: accepted + 1]
    mates, found = _mates(compare, vectors, labels, search.nearest)
    near = search.nearest[np.isfinite(search.nearest)]
    ends = np.concatenate([mates, near, best[:1], best[-1:]])
    ends = np.array([ends.min(), ends.max()])
    if ends[1] - ends[0] <= 2.0 * compare.noise(ends, error):
        # Mates and distractors differ by rounding alone: all are ties.
        mates[:] = best[:] = ends[1]
        found[: search.seen] = 0
        warnings.warn(
            "All scores are one up to rounding and tell nothing: nobody is "
            "found. Have the embeddings collapsed?",
            stacklevel=2,
        )
    return MegaFaceReport(
        rank_1=float(found[0] / couples),
        ranks=found / couples,
        tar=float((mates > best[-1]).sum() / couples),
        far=float(far),
        threshold=float(compare.readable(best[-1:])[0]),
        probes=len(used),
        couples=couples,
        distractors=search.seen,
        distance=distance,
        mate_scores=compare.readable(mates),
        distractor_scores=compare.readable(best),
        pairs=pairs,
        skipped=getattr(distractors, "skipped", 0),
    )


def _couple_count(labels: np.ndarray) -> int:
    """Returns how many probes have how many others of their person."""
    _, sizes = np.unique(labels, return_counts=True)
    couples = int((sizes * (sizes - 1)).sum())
    if not couples:
        raise ValueError(
            "`probe_labels` must name some person twice: a probe needs "
            "another photo of its person. "
            f"Received: {len(labels)} probes of as many persons."
        )
    return couples


def _mates(
    compare: Scores,
    probes: np.ndarray,
    labels: np.ndarray,
    nearest: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the score of each couple, and how many are found by rank."""
    _, persons, sizes = np.unique(
        labels, return_inverse=True, return_counts=True
    )
    scores = []
    found = np.zeros(nearest.shape[1], int)
    order = np.argsort(persons, kind="stable")
    for photos in np.split(order, np.cumsum(sizes)[:-1]):
        step = max(1, TOGETHER // len(photos))
        for start in range(0, len(photos), step):
            some = photos[start : start + step]
            mine = np.repeat(some, len(photos))
            mates = np.tile(photos, len(some))
            mine, mates = mine[mine != mates], mates[mine != mates]
            scores.append(compare.exact(mine, probes[mates]))
            # The k-th best distractor must be worse for a rank of k.
            better = scores[-1][:, None] > nearest[mine, ::-1]
            found += better.sum(axis=0)
    return np.concatenate(scores), found
