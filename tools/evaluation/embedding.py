"""Each photo of a list once through a model."""

import collections
import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_hypersphere.tools.evaluation.progress import Progress
from keras_hypersphere.zoo import alignment, images

if TYPE_CHECKING:
    from keras_hypersphere.zoo import FaceEmbedder

# Crops that go through the network together.
BATCH = 32
# Photos that are decoded ahead of the network.
AHEAD = 3 * BATCH


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

    Photos are decoded, and with landmarks aligned, in threads beside the
    network. A photo that cannot be read or shows no face is reported, the
    others go on.

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
    folder = Path(folder)
    template = embedder.card.template
    if landmarks is not None and landmarks.keys().isdisjoint(photos):
        raise ValueError(
            f"None of the {len(photos)} photos has landmarks: the names of "
            f"both differ. A photo is named {photos[0]!r}; landmarks are "
            f"named {', '.join(map(repr, list(landmarks)[:1])) or 'nothing'}."
        )

    def crop_by_landmarks(photo: str) -> "np.ndarray | Failure":
        if photo not in landmarks:
            return Failure("no landmarks")
        pixels = read(folder / photo)
        if isinstance(pixels, Failure):
            return pixels
        require_inside(landmarks[photo], pixels, photo)
        return crop(pixels, landmarks[photo], template)

    def crop_by_detection(photo: str) -> "np.ndarray | Failure":
        pixels = read(folder / photo)
        if isinstance(pixels, Failure):
            return pixels
        faces = alignment.detect(pixels)
        if not faces:
            return Failure("no face detected")
        face = alignment.select_face(faces, pixels.shape, rule)
        return crop(pixels, face.landmarks, template)

    make_crop = crop_by_detection if landmarks is None else crop_by_landmarks
    progress = Progress(len(photos), "photos")
    embeddings, failures = None, {}
    places, crops = [], []
    with ThreadPoolExecutor(max(2, min(8, os.cpu_count() or 2))) as pool:
        for place, result in enumerate(in_order(pool, make_crop, photos)):
            if isinstance(result, Failure):
                failures[photos[place]] = result.reason
            else:
                places.append(place)
                crops.append(result)
            last = place == len(photos) - 1
            if crops and (last or len(crops) == BATCH):
                found = embedder.embed_aligned(np.stack(crops))
                if embeddings is None:
                    embeddings = np.zeros(
                        (len(photos), found.shape[1]), np.float32
                    )
                embeddings[places] = found
                places, crops = [], []
            if last or not crops:
                progress.update(place + 1)
    if embeddings is None:
        raise ValueError(
            f"None of the {len(photos)} photos in {folder} gave a face; the "
            f"first: {failures[photos[0]]}."
        )
    failed = np.array([photo in failures for photo in photos])
    return EmbeddedPhotos(embeddings, failures, failed)


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why a photo has no crop."""

    reason: str


def in_order(
    pool: ThreadPoolExecutor, work: Callable, items: Iterable
) -> Iterator[Any]:
    """Yields `work(item)` in order, a bounded number of items ahead."""
    pending = collections.deque()
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        # After an error nobody waits for the rest.
        for future in pending:
            future.cancel()


def read(path: Path) -> "np.ndarray | Failure":
    """Reads a photo; a damaged one is a failure, a missing one an error."""
    try:
        return images.read(path)
    except ValueError as error:
        return Failure(str(error))


def crop(
    pixels: np.ndarray, points: np.ndarray, template: str
) -> "np.ndarray | Failure":
    """Aligns a face; points that fit no similarity are a failure."""
    try:
        return alignment.align(pixels, points, template)
    except ValueError as error:
        return Failure(str(error))


def require_inside(points: np.ndarray, pixels: np.ndarray, photo: str) -> None:
    """Refuses landmarks that all lie outside their photo."""
    height, width = pixels.shape[:2]
    inside = ((points >= 0) & (points <= (width - 1, height - 1))).all(axis=1)
    if not inside.any():
        raise ValueError(
            f"The landmarks of {photo} lie outside the photo of {width} x "
            f"{height} pixels: they belong to photos of another size."
        )
