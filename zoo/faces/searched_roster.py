"""Photos of known people, made ready for being searched."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_hypersphere.zoo.faces.enrolled import Enrolled
from keras_hypersphere.zoo.faces.face_index import FaceIndex
from keras_hypersphere.zoo.faces.identification import Match
from keras_hypersphere.zoo.faces.index_kinds import require_index
from keras_hypersphere.zoo.faces.indexed_search import IndexedSearch
from keras_hypersphere.zoo.faces.open_set import (
    alike_limit,
    open_set_threshold,
    require_rate,
)
from keras_hypersphere.zoo.faces.photo_embedder import PhotoEmbedder
from keras_hypersphere.zoo.faces.rates import RateCurve
from keras_hypersphere.zoo.faces.roster import Roster
from keras_hypersphere.zoo.faces.search import Others, Search, require_top_k
from keras_hypersphere.zoo.faces.verification import find_threshold

RATE = 0.01


class SearchedRoster(Roster):
    """Known people, who of them is near, and how near an impostor may be.

    Args:
        As of `Gallery`.
    """

    def __init__(
        self,
        embedder: PhotoEmbedder,
        embeddings: np.ndarray | None = None,
        names: Sequence[str] = (),
        photos: Sequence[str] = (),
        failures: dict[str, str] | None = None,
        choose: str = "largest",
        fingerprints: Sequence[str] | None = None,
        index: str = "exact",
    ) -> None:
        self._make_index(index, embedder)
        super().__init__(
            embedder, embeddings, names, photos, failures, choose, fingerprints
        )

    def _set(self, rows: Enrolled, kept: Sequence[int] = ()) -> None:
        """Takes other rows: what was derived of the old ones is renewed."""
        before: Others | None = getattr(self, "_others", None)
        super()._set(rows, kept)
        distance = self.embedder.card.distance
        if self._index is None:
            self._search = Search(rows, distance)
        else:
            self._index.follow(rows.embeddings, kept)
            self._search = IndexedSearch(rows, distance, self._index)
        self._thresholds: dict[float, float] = {}
        self._others = None
        if before is not None:
            self._others = self._search.nearest_others(before, kept)

    @property
    def people(self) -> list[str]:
        """The names, each once, sorted."""
        return list(self._search.people)

    def nearest(self, embedding: np.ndarray, top_k: int) -> tuple[Match, ...]:
        """The people nearest to an embedding, `(dim,)`, the nearest first."""
        require_top_k(top_k)
        return self._search.nearest(embedding, int(top_k))

    def threshold(self, false_identification_rate: float = RATE) -> float:
        """The distance below which a face is taken for the nearest person.

        Of people who are not in the gallery, about this share is named as
        somebody all the same. The more photos a gallery has, the likelier
        one of them resembles an impostor, and the smaller the threshold. It
        comes from the gallery's own people, each of whom is an impostor to
        the others, and from the card's rates: see
        `open_set.open_set_threshold` for the formula. It is found again
        when people come or go.

        Args:
            false_identification_rate: Above 0, below 1. Default: 0.01.

        Raises:
            ValueError: If the rate is none, or neither the card nor the
                gallery tells a threshold.
        """
        require_rate(false_identification_rate)
        rate = float(false_identification_rate)
        if rate not in self._thresholds:
            card = self.embedder.card
            curve = self._curve()
            # So many people can show such a rate.
            enough = 2 if card.threshold else 1 / rate
            if not curve.known and len(self) < enough:
                return find_threshold(card)
            self._thresholds[rate] = open_set_threshold(
                rate,
                self._nearest_others()[0],
                self._search.codes,
                curve,
                card.threshold or None,
            )
        return self._thresholds[rate]

    def alike(self) -> list[tuple[str, str, float]]:
        """People who look like one person with two names.

        Returns:
            Two names, and the distance of their nearest photos, for each
            two who are as near as two thirds of the same pairs are that the
            card measured; the nearest first. None where it has no rates.
        """
        limit = alike_limit(self._curve())
        return self._search.nearer_others(self._nearest_others(), limit)

    def _known_rates(self) -> dict[str, Any]:
        """What thresholds depend on, besides the photos: plain values."""
        card = self.embedder.card
        rates = [dict(rate) for rate in getattr(card, "rates", ())]
        return {"rates": rates, "threshold": card.threshold}

    def _curve(self) -> RateCurve:
        return RateCurve(self.embedder.card.rates)

    def _nearest_others(self) -> Others:
        if self._others is None:
            self._others = self._search.nearest_others()
        return self._others

    def rebuild_index(self) -> None:
        """Makes the index again, from the embeddings."""
        if self._index is not None:
            self._index.clear()
            self._index.ready(self.embeddings)

    def _make_index(self, index: str, embedder: PhotoEmbedder) -> None:
        require_index(index)
        card = embedder.card
        self.index = index
        self._index: FaceIndex | None = None
        if index != "exact":
            self._index = FaceIndex(index, card.distance, card.dim)
