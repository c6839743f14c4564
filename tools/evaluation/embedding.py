"""Each photo of a list once through a model."""

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.tools.evaluation.listed_crops import Failure, crops_of
from keras_hypersphere.tools.progress import Progress

if TYPE_CHECKING:
    from keras_hypersphere.zoo import FaceEmbedder

# Crops that go through the network together.
BATCH = 32


@dataclasses.dataclass(frozen=True, eq=False)
class EmbeddedPhotos:
    """Embeddings of photos, and which photos have none.

    Args:
        embeddings: `(n, d)`, zeros where a photo failed.
        failures: why, for each photo that failed, in their order.
        failed: `(n,)` booleans: photos that failed.
    """

    embeddings: np.ndarray
    failures: dict[str, str]
    failed: np.ndarray


def embed_photos(
    embedder: "FaceEmbedder",
    folder: "str | os.PathLike",
    photos: Sequence[str],
    landmarks: Mapping[str, np.ndarray] | None = None,
    rule: str = "center",
) -> EmbeddedPhotos:
    """Embeds one face of each photo.

    Photos are decoded and aligned in threads next to the network. A photo
    that cannot be read or shows no face is reported, the others go on.

    Args:
        embedder: The model.
        folder: The folder that the paths in `photos` start from.
        photos: Paths, each once.
        landmarks: Five landmarks for each photo, instead of detecting.
        rule: Which of several detected faces is meant: `"center"` or
            `"largest"`.

    Raises:
        ValueError: If the landmarks are those of other photos, or no photo
            has a face.
    """
    crops = crops_of(
        *(folder, photos, embedder.card.template, landmarks, rule),
        detector=embedder.detector,
    )
    return embed_crops(embedder, folder, photos, crops)


def embed_crops(
    embedder: "FaceEmbedder",
    origin: "str | os.PathLike",
    photos: Sequence[str],
    crops: "Iterable[np.ndarray | Failure]",
) -> EmbeddedPhotos:
    """Embeds a crop of each photo, in batches.

    Args:
        embedder: The model.
        origin: Where the photos are, for messages.
        photos: Their names, each once.
        crops: A crop, or why there is none, for each photo in order.

    Raises:
        ValueError: If there is no crop at all.
    """
    progress = Progress(len(photos), "photos")
    embeddings, failures = None, {}
    places, batch = [], []
    for place, result in enumerate(crops):
        if isinstance(result, Failure):
            failures[photos[place]] = result.reason
        else:
            places.append(place)
            batch.append(result)
        last = place == len(photos) - 1
        if batch and (last or len(batch) == BATCH):
            found = np.asarray(embedder.embed_aligned(np.stack(batch)))
            if embeddings is None:
                embeddings = np.zeros(
                    (len(photos), found.shape[1]), found.dtype
                )
            embeddings[places] = found
            places, batch = [], []
        if last or not batch:
            progress.update(place + 1)
    if embeddings is None:
        raise ValueError(
            f"None of the {len(photos)} photos in {origin} gave a face; the "
            f"first: {failures[photos[0]]}."
        )
    failed = np.array([photo in failures for photo in photos])
    return EmbeddedPhotos(embeddings, failures, failed)
