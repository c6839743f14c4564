"""Who of many is nearest: exact, by products of float32 matrices."""

import functools
import numbers
from collections.abc import Sequence

import numpy as np

from keras_hypersphere.zoo.faces.distance import (
    distances,
    row_distances,
    unit_rows,
)
from keras_hypersphere.zoo.faces.enrolled import Enrolled
from keras_hypersphere.zoo.faces.identification import Match

# How far the nearest photo of another person is, and its row.
Others = tuple[np.ndarray, np.ndarray]
# Scores that are held at a time: 64 MB of float32.
SCORES = 2**24


class Search:
    """The rows of a gallery, made ready for being searched.

    A product of float32 matrices finds the rows that can be nearest, within
    its rounding error; only their distances are then taken in float64. So
    the answer is exact.

    Args:
        rows: They must not change any more.
        distance: As a card says it.
    """

    def __init__(self, rows: Enrolled, distance: str) -> None:
        self.rows = rows
        self.distance = distance
        found = np.unique(np.array(rows.names, str), return_inverse=True)
        self.people: list[str] = found[0].tolist()
        self.codes: np.ndarray = found[1].reshape(-1).astype(np.int32)

    @property
    def by(self) -> str:
        """What `nearest_others` comes from: the kind of an index, or all."""
        return "exact"

    def nearest(self, embedding: np.ndarray, top_k: int) -> tuple[Match, ...]:
        """The people nearest to an embedding, `(dim,)`, the nearest first."""
        if not len(self.rows):
            return ()
        probe = np.asarray(embedding)[None]
        scores = self._scores(probe)[0]
        best = np.full(len(self.people), np.inf, np.float32)
        np.minimum.at(best, self.codes, scores)
        last = min(top_k, len(best)) - 1
        limit = np.partition(best, last)[last] + self._slack(probe)
        # Also the rows whose score is not a number.
        near = np.flatnonzero(~(scores > limit))
        away = distances(probe, self.rows.embeddings[near], self.distance)[0]
        return self._matches(near, away, top_k)

    def _matches(
        self, near: np.ndarray, away: np.ndarray, top_k: int
    ) -> tuple[Match, ...]:
        """The people of some rows, given how far these are, nearest first."""
        matches: dict[str, Match] = {}
        for place in np.argsort(away, kind="stable"):
            row = int(near[place])
            name = self.rows.names[row]
            if name not in matches:
                matches[name] = Match(
                    name, float(away[place]), self.rows.photos[row]
                )
                if len(matches) == top_k:
                    break
        return tuple(matches.values())

    def nearest_others(
        self, before: Others | None = None, kept: Sequence[int] = ()
    ) -> Others:
        """The nearest photo of another person, for each photo.

        Args:
            before: What this returned for other rows, of which
            kept: these are the first ones here. Only what the others
                change is searched again.

        Returns:
            How far it is, `(photos,)` float64, infinity where there is
            nobody else; and its row.
        """
        count, known = len(self.rows), len(kept)
        away, place = np.full(count, np.inf), np.zeros(count, int)
        todo = np.ones(count, bool)
        if before is not None and known:
            now = np.full(len(before[0]), -1)
            now[list(kept)] = np.arange(known)
            away[:known] = before[0][list(kept)]
            place[:known] = now[before[1][list(kept)]]
            todo[:known] = (place[:known] < 0) | np.isinf(away[:known])
            fresh = self._others_among(np.flatnonzero(~todo), known)
            nearer = fresh[0] < away[~todo]
            away[~todo] = np.where(nearer, fresh[0], away[~todo])
            place[~todo] = np.where(nearer, fresh[1], place[~todo])
        away[todo], place[todo] = self._others_among(np.flatnonzero(todo), 0)
        return away, place

    def nearer_others(
        self, others: Others, limit: float
    ) -> list[tuple[str, str, float]]:
        """Two people, and their distance, for each two below a limit.

        Args:
            others: What `nearest_others` returns.
            limit: A distance.
        """
        away, rows = others
        found: dict[tuple[str, str], float] = {}
        names = self.rows.names
        for row in np.argsort(away, kind="stable"):
            if not away[row] < limit:
                break
            first, second = sorted([names[row], names[rows[row]]])
            found.setdefault((first, second), float(away[row]))
        return [(*pair, distance) for pair, distance in found.items()]

    def _others_among(self, probes: np.ndarray, first: int) -> Others:
        """As `nearest_others`: of some rows, among those from `first` on."""
        codes = self.codes[first:]
        away, place = np.full(len(probes), np.inf), np.zeros(len(probes), int)
        if not len(codes):
            return away, place
        step = max(1, SCORES // len(codes))
        for start in range(0, len(probes), step):
            block = slice(start, start + step)
            rows = probes[block]
            scores = self._scores(self.rows.embeddings[rows], first)
            scores[self.codes[rows, None] == codes] = np.inf
            place[block] = first + scores.argmin(axis=1)
            others = self.codes[rows] != self.codes[place[block]]
            exact = row_distances(
                self.rows.embeddings[rows[others]],
                self.rows.embeddings[place[block][others]],
                self.distance,
            )
            away[np.arange(len(probes))[block][others]] = exact
        return away, place

    def _scores(self, probes: np.ndarray, first: int = 0) -> np.ndarray:
        """`(probes, rows)` float32: smaller is nearer, in each row."""
        targets, squares = (each[first:] for each in self._targets)
        probes = probes.astype(np.float32)
        if self.distance == "cosine":
            probes = unit_rows(probes)
        scores = probes @ targets.T
        with np.errstate(over="ignore", invalid="ignore"):
            scores *= -1 if self.distance == "cosine" else -2
            scores += squares
        return scores

    def _slack(self, probe: np.ndarray) -> float:
        """Twice what rounding can move a score by, and then some."""
        size = 1.0
        if self.distance != "cosine":
            longest = np.sqrt(float(self._targets[1].max()))
            size = (float(np.linalg.norm(probe)) + longest) ** 2
        return 4 * (probe.shape[1] + 4) * float(np.finfo("f4").eps) * size

    @functools.cached_property
    def _targets(self) -> tuple[np.ndarray, np.ndarray]:
        """What probes are multiplied by, and what is added to the product."""
        rows = self.rows.embeddings
        if self.distance == "cosine":
            return unit_rows(rows), np.zeros(len(rows), np.float32)
        with np.errstate(over="ignore"):
            return rows, np.einsum("ij,ij->i", rows, rows)


def require_top_k(top_k: int) -> None:
    """Raises if it is no number of people."""
    whole = isinstance(top_k, numbers.Integral)
    if isinstance(top_k, bool) or not whole or top_k < 1:
        raise ValueError(
            f"`top_k` must be a positive integer. Received: top_k={top_k!r}"
        )
