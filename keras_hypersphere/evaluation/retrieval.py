"""Each sample as a query among all others."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks
from keras_hypersphere.evaluation.classes import class_numbers
from keras_hypersphere.evaluation.comparison import COMPARISONS, Scores
from keras_hypersphere.evaluation.retrieval_report import RetrievalReport

# Products that are held together: 64 MB.
PRODUCTS = 2**24
# Candidates that are scored together: 16 MB of vectors of 128 numbers.
TOGETHER = 2**14


def retrieval(
    embeddings: ArrayLike,
    labels: ArrayLike,
    k: int | Sequence[int] = (1, 5, 10),
    distance: str = "cosine",
) -> RetrievalReport:
    """Searches for each sample among all others, and counts its class.

    For a query with R others of its class, with the others in order of
    their distance:

    * recall at k: 1 if one of the first k is of its class, else 0;
    * precision at 1: the same for k = 1;
    * R-precision: the share of the first R that is of its class;
    * MAP@R: `1 / R * sum_{i <= R} (P_i if the i-th is of its class else 0)`,
      with `P_i` the share of the first i that is of its class;

    each as a mean over queries. A sample that is alone in its class is no
    query, but others may find it. Of equal scores, the sample with the
    lowest index comes first.

    Memory grows with the number of samples, not with its square: products
    are made in float32, in parts, and what may be among the nearest is
    scored in float64, so that the order is that of exact scores.

    Args:
        embeddings: `(N, d)` array.
        labels: `(N,)` array of class labels of any dtype.
        k: int or ints >= 1, for the recall. Where there are fewer than k
            others, all of them count. Defaults to `(1, 5, 10)`.
        distance: `"cosine"`, or `"l2"` or `"squared-l2"`, which order alike.
            Defaults to `"cosine"`.

    Returns:
        A `RetrievalReport`: `recall` (a dictionary from k), `recall_at(k)`,
        `precision_at_1`, `r_precision`, `map_at_r`, `queries`. All are NaN
        if there is no query.

    Raises:
        ValueError: if an argument is not one of those above, or if an
            embedding is not finite.

    Example:

    >>> x = [[1.0, 0.0], [0.9, 0.1], [0.7, 0.3], [0.0, 1.0]]
    >>> report = kh.evaluation.retrieval(x, ["Ann", "Ann", "Ben", "Ben"], 1)
    >>> report.recall, report.map_at_r
    ({1: 0.75}, 0.75)

    Reference:
        A Metric Learning Reality Check (2020),
        https://arxiv.org/abs/2003.08505, section 3.2, for R-precision and
        MAP@R; pytorch-metric-learning's `AccuracyCalculator` for what it does
        with a class of one.
    """
    x = input_checks.as_embeddings(embeddings, "embeddings")
    input_checks.require_finite(x, "embeddings", hint="Leave them out.")
    classes = class_numbers(labels, len(x))
    depths = as_depths(k)
    input_checks.require_distance(distance)
    relevant = np.bincount(classes)[classes] - 1
    queries = np.flatnonzero(relevant)
    # Neighbors in this order need lists of about one length.
    queries = queries[np.argsort(relevant[queries], kind="stable")]
    sums = np.zeros(len(depths) + 3)
    rows = max(1, min(PRODUCTS // len(x), len(queries)))
    # Memory that every part uses again.
    work = np.empty((rows, len(x)), np.float32)
    for start in range(0, len(queries), rows):
        chunk = queries[start : start + rows]
        most = max(*depths, int(relevant[chunk].max()))
        most = min(most, len(x) - 1)
        nearest = _nearest(x, chunk, most, distance, work[: len(chunk)])
        hits = classes[nearest] == classes[chunk, None]
        sums += _sums(hits, relevant[chunk], depths)
    count = len(queries)
    means = sums / count if count else np.full(len(sums), np.nan)
    recall = {k: float(means[3 + i]) for i, k in enumerate(depths)}
    return RetrievalReport(
        recall=recall,
        precision_at_1=float(means[0]),
        r_precision=float(means[1]),
        map_at_r=float(means[2]),
        queries=count,
        samples=len(x),
        distance=distance,
    )


def as_depths(k: int | Sequence[int]) -> list[int]:
    """Returns the numbers of neighbors to look at, ascending."""
    depths = list(np.atleast_1d(np.asarray(k)).tolist())
    if not depths or not all(type(n) is int and n >= 1 for n in depths):
        raise ValueError(
            f"`k` must be a whole number from 1, or several. Received: k={k!r}."
        )
    return sorted(set(depths))


def _sums(
    hits: np.ndarray, relevant: np.ndarray, depths: list[int]
) -> np.ndarray:
    """Sums over queries of what is measured of their (q, m) hits."""
    place = np.arange(1, hits.shape[1] + 1)
    found = np.cumsum(hits, axis=1)
    inside = hits & (place <= relevant[:, None])
    precision = np.where(inside, found / place, 0.0).sum(axis=1)
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, np.inf)
    return np.array(
        [
            hits[:, 0].sum(),
            (inside.sum(axis=1) / relevant).sum(),
            (precision / relevant).sum(),
            *((first <= depth).sum() for depth in depths),
        ]
    )


def _nearest(
    x: np.ndarray,
    queries: np.ndarray,
    count: int,
    distance: str,
    work: np.ndarray,
) -> np.ndarray:
    """(q, count) the nearest rows of each query, itself left out, in order."""
    compare = COMPARISONS[distance](x[queries], len(x))
    bounds = compare.bounds(x, 0)
    # What is beyond it cannot be among the nearest.
    bounds[np.arange(len(queries)), queries] = -np.inf
    place = len(x) - count
    work[:] = bounds
    work.partition(place, axis=1)
    limits = compare.limits(compare.floors(work[:, place]))
    hits = np.flatnonzero(bounds >= limits[:, None])
    probes, columns = np.divmod(hits, len(x))
    scores = np.concatenate([np.empty(0), *_exact(compare, x, probes, columns)])
    # By query, then the best score, then the lowest index.
    order = np.lexsort((columns, -scores, probes))
    starts = np.searchsorted(probes, np.arange(len(queries)))
    return columns[order][starts[:, None] + np.arange(count)]


def _exact(
    compare: Scores, x: np.ndarray, probes: np.ndarray, columns: np.ndarray
) -> Iterator[np.ndarray]:
    for start in range(0, len(probes), TOGETHER):
        part = slice(start, start + TOGETHER)
        yield compare.exact(probes[part], x[columns[part]])
