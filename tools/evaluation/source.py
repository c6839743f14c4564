"""Where the embeddings of a measurement come from: photos, or a file."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.tools.commands.embedder_arguments import MODEL
from keras_hypersphere.tools.evaluation.crop_pairs import decoded
from keras_hypersphere.tools.evaluation.embedding import (
    EmbeddedPhotos,
    embed_crops,
    embed_photos,
)
from keras_hypersphere.tools.evaluation.embedding_lookup import (
    Stored,
    read_stored,
)
from keras_hypersphere.tools.evaluation.landmarks import read_landmarks

if TYPE_CHECKING:
    from keras_hypersphere.zoo import Card, FaceEmbedder


class Source:
    """The embeddings that the words of a command ask for.

    Args:
        arguments: Those of `evaluate`: `images` or `embeddings`, `model`,
            `landmarks`, `choose`, `detector`, `runtime`, `distance`.
        rule: Which of several detected faces is meant, unless `choose` says.
        crops: The files of aligned faces by their names, where the list of
            `arguments.pairs` brings them.
    """

    def __init__(
        self,
        arguments: argparse.Namespace,
        rule: str,
        crops: Mapping[str, bytes] | None = None,
    ) -> None:
        self.crops = crops
        self.list = arguments.pairs
        self.rule = arguments.choose or rule
        self.images = arguments.images
        self.asked = arguments.distance
        self.stored: Stored | None = None
        self.landmarks: Mapping[str, np.ndarray] | None = None
        # What can be wrong with a file is said before minutes of work.
        if arguments.embeddings:
            self.stored = read_stored(arguments.embeddings)
        elif arguments.landmarks:
            self.landmarks = read_landmarks(arguments.landmarks)
        self.name = arguments.model or MODEL
        self.runtime = arguments.runtime or "auto"
        self.detector = arguments.detector or "yunet"
        self.loaded: FaceEmbedder | None = None

    @property
    def embedder(self) -> "FaceEmbedder":
        """The model, loaded when it is first needed."""
        from keras_hypersphere.zoo import FaceEmbedder

        if self.loaded is None:
            loaded = FaceEmbedder.from_preset(
                self.name, self.runtime, self.detector
            )
            loaded.require_template()
            self.loaded = loaded
        return self.loaded

    @property
    def model(self) -> str:
        """The model's name."""
        if self.stored:
            return self.stored.model or "a model unnamed"
        return self.embedder.card.name

    @property
    def faces(self) -> str:
        """How faces were found, in words."""
        if self.stored:
            return f"embeddings of {self.stored.path.name}"
        if self.crops is not None:
            return f"aligned crops of {Path(self.list).name}"
        return (
            "landmarks"
            if self.landmarks
            else f"detected by {self.detector}, {self.rule}"
        )

    def distance(self, published: str | None = None) -> str:
        """The distance that was asked for, or `published`, or the card's."""
        if self.asked or published:
            return self.asked or published
        return self.card.distance if self.card else "cosine"

    @property
    def card(self) -> "Card | None":
        """The model's card, None of embeddings of an unknown model."""
        if self.stored is None:
            return self.embedder.card
        from keras_hypersphere.zoo.cards.registry import get_card, known_names

        known = self.stored.model in known_names()
        return get_card(self.stored.model) if known else None

    def embed(
        self, photos: Sequence[str], folder: str | None = None
    ) -> EmbeddedPhotos:
        """The embeddings of photos, below `folder` or `images`."""
        if self.stored and folder is None:
            return self.stored.rows_of(photos)
        if self.crops is not None:
            aligned = decoded(self.list, self.crops, self.embedder.card)
            return embed_crops(self.embedder, self.list, photos, aligned)
        return embed_photos(
            self.embedder,
            folder or self.images,
            photos,
            self.landmarks,
            self.rule,
        )
