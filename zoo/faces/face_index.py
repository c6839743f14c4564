"""An index of faiss over the rows of a gallery: a cache, never the truth."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_hypersphere.zoo.faces.distance import unit_rows
from keras_hypersphere.zoo.faces.index_kinds import (
    create,
    inverted_lists,
    kind_for,
    needed_rows,
    probing,
)

# Rows for each inverted list that it is trained on, drawn without order.
SAMPLE = 64
# Of the inverted lists, this share is looked at, and never fewer than LISTS.
SHARE, LISTS = 64, 8
# A trained index is made again when there are so many times more rows.
GROWTH = 2
# Larger numbers have squares that float32 cannot hold.
LARGEST = 1e15
SEED = 0
# Rows that are handed to faiss together.
BLOCK = 65536


class FaceIndex:
    """Which rows of a gallery can be near, by an index of faiss.

    It finds candidates only; how far they are is for the stored vectors to
    say. It is made when it is first needed, and follows rows that come and
    go. Too few rows to train it on, or numbers too large for float32: then
    there is none, and the search is exact.

    Args:
        index: `"faiss"`, or a string of `faiss.index_factory`.
        distance: As a card says it.

    Raises:
        ImportError: If faiss is not installed.
        ValueError: If it is no such string, or of an index that cannot
            remove rows.
    """

    def __init__(self, index: str, distance: str, dim: int) -> None:
        self.index = index
        self.distance = distance
        self.dim = dim
        self.kind = ""
        # How many rows it was trained on, and whether some of them are gone.
        self.trained = 0
        self.removed = False
        self._faiss: Any = None
        # So many rows were too few, or their numbers too large.
        self._refused = -1
        # The id of each row, ascending. New rows have ids of their own.
        self.ids = np.empty(0, np.int64)
        create(kind_for(index, 0), dim, distance)

    def __len__(self) -> int:
        """How many rows it finds."""
        return 0 if self._faiss is None else self._faiss.ntotal

    @property
    def lossy(self) -> bool:
        """Whether it passes over rows: it looks at some lists only."""
        lists = inverted_lists(self._faiss)
        return lists is not None and lists.nlist > LISTS

    def follow(self, vectors: np.ndarray, kept: Sequence[int]) -> None:
        """Takes other rows: first those of the old ones that are kept.

        Args:
            vectors: All of them.
            kept: Which of the old ones the first ones are, ascending.
        """
        self._refused = -1
        if self._faiss is None:
            return
        known = np.zeros(len(self.ids), bool)
        known[list(kept)] = True
        gone = self.ids[~known]
        fresh = vectors[len(kept) :]
        if (len(kept) and not _fits(fresh)) or self._outgrown(
            len(vectors), len(kept)
        ):
            self.clear()
            return
        if len(gone):
            self._faiss.remove_ids(gone)
            self.removed = True
        first = int(self.ids[-1]) + 1 if len(self.ids) else 0
        new = np.arange(first, first + len(fresh), dtype=np.int64)
        self.ids = np.concatenate([self.ids[known], new])
        self._add(fresh, new, self._faiss)

    def clear(self) -> None:
        """Forgets all; it is made again when it is needed."""
        self._faiss, self.kind = None, ""
        self.trained, self.removed = 0, False
        self.ids = np.empty(0, np.int64)

    def ready(self, vectors: np.ndarray) -> bool:
        """Makes the index unless it is there; False if there can be none."""
        if self._faiss is not None:
            return True
        if self._refused == len(vectors):
            return False
        kind = kind_for(self.index, len(vectors))
        made = create(kind, self.dim, self.distance)
        if len(vectors) < needed_rows(kind, made) or not _fits(vectors):
            self._refused = len(vectors)
            return False
        lists = inverted_lists(made)
        if lists is not None:
            lists.nprobe = min(lists.nlist, max(LISTS, lists.nlist // SHARE))
        if not made.is_trained:
            wanted = SAMPLE * (lists.nlist if lists is not None else 0)
            made.train(self._units(_sample(vectors, max(wanted, BLOCK))))
        ids = np.arange(len(vectors), dtype=np.int64)
        self._add(vectors, ids, made)
        self.kind, self.trained, self.removed = kind, len(vectors), False
        # Last: another thread may search meanwhile.
        self.ids, self._faiss = ids, made
        return True

    def candidates(
        self, probes: np.ndarray, count: int, widen: int = 1
    ) -> np.ndarray:
        """Rows that can be nearest to each probe.

        Args:
            probes: `(n, dim)`.
            count: How many for each.
            widen: Looks at so many times more inverted lists.

        Returns:
            `(n, count)` rows; -1 where it found fewer.
        """
        parameters = None
        if widen > 1:
            parameters = probing(self._faiss, widen)
        units = self._units(probes)
        found = self._faiss.search(units, count, params=parameters)[1]
        rows = np.searchsorted(self.ids, found)
        return np.where(found < 0, -1, rows)

    def kind_of(self, rows: int) -> str:
        """The kind of an index of so many rows."""
        return kind_for(self.index, rows)

    def could_be(self, rows: int) -> bool:
        """Whether so many rows are enough for an index."""
        kind = kind_for(self.index, rows)
        return rows >= needed_rows(kind, create(kind, self.dim, self.distance))

    def whole(self, vectors: np.ndarray) -> Any:
        """What can be written: of these rows alone, their ids in order.

        Who was removed may have moved a center of the lists: it is trained
        again. None where there is no index.
        """
        moved = len(self.ids) and self.ids[-1] != len(self.ids) - 1
        if self.removed or moved:
            self.clear()
        return self._faiss if self.ready(vectors) else None

    def put(self, made: Any, kind: str, trained: int) -> bool:
        """Takes an index that was read; False if it is not of these rows."""
        if made.d != self.dim or trained < 0:
            return False
        self.kind, self.trained, self.removed = kind, trained, False
        self.ids = np.arange(made.ntotal, dtype=np.int64)
        self._faiss = made
        return True

    def _outgrown(self, rows: int, kept: int) -> bool:
        kind = kind_for(self.index, rows)
        needed = needed_rows(kind, self._faiss)
        many = kind != "Flat" and rows > GROWTH * self.trained
        return not kept or rows < needed or kind != self.kind or many

    def _add(self, vectors: np.ndarray, ids: np.ndarray, to: Any) -> None:
        for start in range(0, len(ids), BLOCK):
            part = slice(start, start + BLOCK)
            to.add_with_ids(self._units(vectors[part]), ids[part])

    def _units(self, vectors: np.ndarray) -> np.ndarray:
        vectors = np.asarray(vectors, np.float32)
        if self.distance == "cosine":
            vectors = unit_rows(vectors)
        return np.ascontiguousarray(vectors)


def _fits(vectors: np.ndarray) -> bool:
    return bool(np.abs(vectors).max(initial=0.0) < LARGEST)


def _sample(vectors: np.ndarray, count: int) -> np.ndarray:
    if count >= len(vectors):
        return vectors
    draw = np.random.default_rng(SEED)
    return vectors[np.sort(draw.choice(len(vectors), count, replace=False))]
