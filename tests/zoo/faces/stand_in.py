"""An embedder whose photos are files that say whom they show.

A file holds a person's name and a number, which moves the embedding, or
anything else: then it has no face. No network, no detector.
"""

import os
import types
import zlib
from pathlib import Path

import numpy as np

from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.faces.aligned_face import AlignedFace
from keras_hypersphere.zoo.faces.embedded_photos import EmbeddedPhotos
from keras_hypersphere.zoo.faces.photo_list import name_photos

DIM = 128
# Of pairs of people in so many directions, roughly.
RATES = tuple(
    {"threshold": 0.5 + 0.05 * n, "far": 10.0 ** (n - 7), "frr": frr}
    for n, frr in enumerate((0.6, 0.3, 0.1, 0.02, 0.01, 0.001))
)


def card(**fields):
    known = get_card("dlib-resnet")
    fields = {"distance": "cosine", "threshold": 0.7, "rates": (), **fields}
    return types.SimpleNamespace(**{**vars(known), **fields})


def vector(name, move):
    """Unit vectors: those of one person are 0.1 to 0.3 apart (1 - cosine)."""
    draws = [
        np.random.default_rng(zlib.crc32(text.encode())).normal(size=DIM)
        for text in (name, f"{name} {move}")
    ]
    mixed = draws[0] + 0.4 * draws[1]
    return (mixed / np.linalg.norm(mixed)).astype(np.float32)


def write_photo(path, name, move=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{name} {move}")
    return path


class StandIn:
    def __init__(self, **fields):
        self.card = card(**fields)
        self.embedded = []

    def embed_aligned(self, crops):
        return np.array(self.card.golden_output, np.float32)

    def embed(
        self, photos, details, choose="largest", errors="raise", progress=False
    ):
        assert details
        vectors, faces, failures = [], [], {}
        for name, photo in name_photos(photos):
            self.embedded.append(name)
            shown = self.shown(photo)
            if not shown:
                if errors == "raise":
                    raise ValueError(f"No face was found in {name!r}")
                failures[name] = f"No face was found in {name!r}"
            for each in shown if choose == "all" else shown[:1]:
                vectors.append(vector(*each))
                face = Face((1, 2, 3, 4), np.zeros((5, 2)), 0.9)
                faces.append(AlignedFace(name, face, len(shown), None))
        vectors = np.array(vectors, np.float32).reshape(-1, DIM)
        return EmbeddedPhotos(vectors, faces, failures)

    def stream(self, photos, choose="largest"):
        for photo in photos:
            yield self.embed([photo], True, choose, "skip")

    @staticmethod
    def shown(photo):
        """The people of a photo, and how they are moved."""
        if isinstance(photo, (str, os.PathLike)):
            text = Path(photo).read_text(errors="replace")
            words = [line.split() for line in text.splitlines()]
            return [tuple(word) for word in words if len(word) == 2]
        return [("array", str(photo.ravel()[0]))]
