"""Who of many is nearest: candidates by an index, distances by the vectors."""

import numpy as np

from keras_hypersphere.zoo.faces.distance import distances, row_distances
from keras_hypersphere.zoo.faces.enrolled import Enrolled
from keras_hypersphere.zoo.faces.face_index import FaceIndex
from keras_hypersphere.zoo.faces.identification import Match
from keras_hypersphere.zoo.faces.search import Others, Search

# Rows that are re-ranked at least, and how many times more are taken next.
CANDIDATES, MORE = 64, 4
# Beyond this share of the rows the exact search is the quicker one.
SHARE = 4
# Probes that are looked for together.
PROBES = 4096


class IndexedSearch(Search):
    """The rows of a gallery, searched by an index of faiss.

    The index names rows that can be nearest; their distances are those of
    the stored vectors, in float64, as of `Search`. Twice as many rows as the
    answer needs are re-ranked, and as many as it takes until there are
    `top_k` people and the last row is farther than all of them. So people
    with many photos, and ties, hide nobody; only a row that the index does
    not name is missed.

    Args:
        rows, distance: As of `Search`.
        index: It follows the rows.
    """

    def __init__(self, rows: Enrolled, distance: str, index: FaceIndex) -> None:
        super().__init__(rows, distance)
        self.index = index

    @property
    def by(self) -> str:
        """What `nearest_others` comes from."""
        if self.index.ready(self.rows.embeddings) and self.index.lossy:
            return self.index.kind
        return super().by

    def nearest(self, embedding: np.ndarray, top_k: int) -> tuple[Match, ...]:
        """The people nearest to an embedding, `(dim,)`, the nearest first."""
        probe = np.asarray(embedding)[None]
        if not self._usable(probe):
            return super().nearest(embedding, top_k)
        wanted = min(top_k, len(self.people))
        count, widen = max(CANDIDATES, 2 * top_k), 1
        while count * SHARE <= len(self.rows):
            near = self.index.candidates(probe, count, widen)[0]
            near = np.sort(near[near >= 0])
            away = distances(probe, self.rows.embeddings[near], self.distance)[
                0
            ]
            matches = self._matches(near, away, top_k)
            if len(matches) == wanted and matches:
                limit = self._beyond(matches[-1].distance, probe)
                beyond = np.count_nonzero(away > limit)
                if 2 * beyond >= len(near):
                    return matches
            count, widen = count * MORE, widen * MORE
        return super().nearest(embedding, top_k)

    def _others_among(self, probes: np.ndarray, first: int) -> Others:
        """As of `Search`; all rows are searched by lists, if there are."""
        if first or self.by == super().by:
            return super()._others_among(probes, first)
        away, place = np.full(len(probes), np.inf), np.zeros(len(probes), int)
        rows, codes = self.rows.embeddings, self.codes
        for start in range(0, len(probes), PROBES):
            mine = np.asarray(probes[start : start + PROBES])
            near = self.index.candidates(rows[mine], CANDIDATES)
            strange = (near >= 0) & (codes[near] != codes[mine][:, None])
            column, line = strange.nonzero()[::-1]
            exact = row_distances(
                rows[mine[line]], rows[near[line, column]], self.distance
            )
            table = np.full(near.shape, np.inf)
            table[line, column] = exact
            best = table.argmin(axis=1)
            every = np.arange(len(mine))
            found = slice(start, start + len(mine))
            away[found], place[found] = table[every, best], near[every, best]
            # All rows that were named are of the person.
            left = np.flatnonzero(~strange.any(axis=1))
            if len(left):
                place_of = start + left
                away[place_of], place[place_of] = super()._others_among(
                    mine[left], 0
                )
        return away, place

    def _usable(self, probe: np.ndarray) -> bool:
        """Whether there are enough rows for an index, and real numbers."""
        many = len(self.rows) >= SHARE * CANDIDATES
        return (
            many
            and bool(np.isfinite(probe).all())
            and self.index.ready(self.rows.embeddings)
        )

    def _beyond(self, away: float, probe: np.ndarray) -> float:
        """Whatever is farther, float32 tells to be farther too."""
        slack = self._slack(probe)
        if self.distance == "l2":
            return float(np.sqrt(away**2 + slack))
        return away + slack
