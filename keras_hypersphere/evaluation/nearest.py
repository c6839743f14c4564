"""The best scores of a gallery that is read once."""

import numpy as np

from keras_hypersphere.evaluation.comparison import Scores

# Candidates that are scored together: 8 MB of vectors of 512 numbers.
TOGETHER = 2048


class NearestDistractors:
    """Keeps what the distractors score best, exactly, block by block.

    Args:
        comparison: how probes and rows are compared.
        ranks: how many scores of each probe are kept, the best ones.
        overall: how many scores are kept of all probes together.

    Attributes:
        nearest: `(p, ranks)` the best scores of each probe, ascending;
            minus infinity where there are fewer.
        seen: rows so far.
    """

    def __init__(self, comparison: Scores, ranks: int, overall: int) -> None:
        self.comparison = comparison
        self.probes = len(comparison.probes)
        self.ranks, self.overall = ranks, overall
        self.nearest = np.full((self.probes, ranks), -np.inf)
        self.kept: list[np.ndarray] = []
        self.limit = -np.inf
        self.seen = 0

    def add(self, block: np.ndarray) -> None:
        """Reads some rows."""
        bounds = self.comparison.bounds(block, self.seen)
        limits = self._limits(bounds)
        # The largest number of a row is found faster than the large ones.
        rows = np.flatnonzero(bounds.max(axis=1) >= limits)
        # Flat places are found many times faster than those of a matrix.
        hits = np.flatnonzero(bounds[rows] >= limits[rows, None])
        places, columns = np.divmod(hits, len(block))
        for start in range(0, len(places), TOGETHER):
            part = slice(start, start + TOGETHER)
            probes = rows[places[part]]
            scores = self.comparison.exact(probes, block[columns[part]])
            self._keep(scores)
            self._rank(probes, scores)
        self._shorten()
        self.seen += len(block)

    def best(self) -> np.ndarray:
        """Returns the best scores of all probes together, descending."""
        return np.sort(np.concatenate([np.empty(0), *self.kept]))[::-1]

    def _limits(self, bounds: np.ndarray) -> np.ndarray:
        """Returns, for each probe, the bound from which a score can matter."""
        scores = np.minimum(self.nearest[:, 0], self.limit)
        rank = max(self.ranks, -(-self.overall // self.probes))
        if rank <= bounds.shape[1] and (scores == -np.inf).any():
            # At the start: each probe has `rank` scores above its own floor
            # in this block, and so many of them, with the highest floors,
            # have as many as are kept overall.
            place = bounds.shape[1] - rank
            ranked = np.partition(bounds, place, axis=1)[:, place]
            floors = self.comparison.floors(ranked)
            place = self.probes - -(-self.overall // rank)
            enough = np.partition(floors, place)[place]
            scores = np.maximum(scores, np.minimum(floors, enough))
        return self.comparison.limits(scores)

    def _keep(self, scores: np.ndarray) -> None:
        """Takes up scores that are among the best of all."""
        self.kept.append(scores[scores > self.limit])
        if sum(map(len, self.kept)) >= 2 * self.overall:
            self._shorten()

    def _shorten(self) -> None:
        """Forgets all but the best of all."""
        kept = np.concatenate([np.empty(0), *self.kept])
        if len(kept) >= self.overall:
            place = len(kept) - self.overall
            kept = np.partition(kept, place)[place:]
            self.limit = kept[0]
        self.kept = [kept]

    def _rank(self, probes: np.ndarray, scores: np.ndarray) -> None:
        """Takes up scores that are among the best of their probe."""
        better = scores > self.nearest[probes, 0]
        probes, scores = probes[better], scores[better]
        if not len(probes):
            return
        order = np.lexsort((-scores, probes))
        probes, scores = probes[order], scores[order]
        rows, first, where = np.unique(
            probes, return_index=True, return_inverse=True
        )
        place = np.arange(len(probes)) - first[where]
        fits = place < self.ranks
        fresh = np.full((len(rows), self.ranks), -np.inf)
        fresh[where[fits], place[fits]] = scores[fits]
        merged = np.concatenate([self.nearest[rows], fresh], axis=1)
        self.nearest[rows] = np.sort(merged, axis=1)[:, self.ranks :]
