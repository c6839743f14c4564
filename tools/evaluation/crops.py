"""One aligned face of each photo of a list, made in threads."""

import collections
import dataclasses
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from keras_hypersphere.zoo import alignment, images

# Photos that are worked on ahead of whoever takes the crops.
AHEAD = 96
# Photos that are searched for faces together.
TOGETHER = 16


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why a photo has no crop."""

    reason: str


def crops_of(
    folder: "str | os.PathLike",
    photos: Sequence[str],
    template: str,
    landmarks: Mapping[str, np.ndarray] | None = None,
    rule: str = "center",
) -> "Iterator[np.ndarray | Failure]":
    """Yields a crop, or why there is none, for each photo in order.

    Args:
        folder: The folder that the paths in `photos` start from.
        photos: Paths.
        template: The crop, a name in `alignment.TEMPLATES`.
        landmarks: Five landmarks for each photo, instead of detecting.
        rule: Which of several detected faces is meant: `"center"` or
            `"largest"`.

    Raises:
        ValueError: If the landmarks are those of other photos.
    """
    folder = Path(folder)
    if landmarks is not None and landmarks.keys().isdisjoint(photos):
        raise ValueError(
            f"None of the {len(photos)} photos has landmarks: the names of "
            f"both differ. A photo is named {photos[0]!r}; landmarks are "
            f"named {', '.join(map(repr, list(landmarks)[:1])) or 'nothing'}."
        )

    def read(photo: str) -> "np.ndarray | Failure":
        if landmarks is not None and photo not in landmarks:
            return Failure("no landmarks")
        try:
            # LFW itself holds a photo whose end is missing.
            pixels = images.read(folder / photo, partial=True)
        except ValueError as error:
            return Failure(str(error))
        if landmarks is None:
            return pixels
        require_inside(landmarks[photo], pixels, photo)
        return crop(pixels, landmarks[photo], template)

    with ThreadPoolExecutor(max(2, min(8, os.cpu_count() or 2))) as pool:
        results = in_order(pool, read, photos)
        if landmarks is None:
            results = detected(results, template, rule)
        yield from results


def detected(
    photos: "Iterable[np.ndarray | Failure]", template: str, rule: str
) -> "Iterator[np.ndarray | Failure]":
    """Yields a crop for each photo, several photos searched together."""
    from keras_hypersphere.tools.evaluation.detection import detect_many

    photos = iter(photos)
    while block := list(itertools.islice(photos, TOGETHER)):
        pixels = [x for x in block if not isinstance(x, Failure)]
        found = iter(detect_many(pixels))
        for photo in block:
            if isinstance(photo, Failure):
                yield photo
                continue
            faces = next(found)
            if not faces:
                yield Failure("no face detected")
                continue
            face = alignment.select_face(faces, photo.shape, rule)
            yield crop(photo, face.landmarks, template)


def crop(
    pixels: np.ndarray, points: np.ndarray, template: str
) -> "np.ndarray | Failure":
    """Aligns a face; points that fit no similarity are a failure."""
    try:
        return alignment.align(pixels, points, template, antialias=True)
    except ValueError as error:
        return Failure(str(error))


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


def require_inside(points: np.ndarray, pixels: np.ndarray, photo: str) -> None:
    """Refuses landmarks that all lie outside their photo."""
    height, width = pixels.shape[:2]
    inside = ((points >= 0) & (points <= (width - 1, height - 1))).all(axis=1)
    if not inside.any():
        raise ValueError(
            f"The landmarks of {photo} lie outside the photo of {width} x "
            f"{height} pixels: they belong to photos of another size."
        )
