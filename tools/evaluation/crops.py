"""One aligned face of each photo of a list, made in threads."""

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_hypersphere.zoo import alignment, images
from keras_hypersphere.zoo.faces.aligned_faces import (
    align_photos,
    in_order,
    pool,
)

# Photos that are worked on ahead of whoever takes the crops.
AHEAD = 96


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
        ValueError: If there is no such template, if it needs more than
            landmarks, or if the landmarks are those of other photos.
    """
    folder = Path(folder)
    if landmarks is not None and alignment.get_template(template).needs_box:
        raise ValueError(
            f"The template {template!r} is the box of a face, which landmarks "
            "do not give. Leave out --landmarks: faces are then detected."
        )
    if landmarks is not None and landmarks.keys().isdisjoint(photos):
        raise ValueError(
            f"None of the {len(photos)} photos has landmarks: the names of "
            f"both differ. A photo is named {photos[0]!r}; landmarks are "
            f"named {', '.join(map(repr, list(landmarks)[:1])) or 'nothing'}."
        )

    if landmarks is None:
        named = ((photo, folder / photo) for photo in photos)
        # LFW itself holds a photo whose end is missing.
        for face in align_photos(named, template, rule, partial=True):
            if isinstance(face, Exception):
                no_face = isinstance(face, alignment.NoFaceError)
                yield Failure("no face detected" if no_face else str(face))
            else:
                yield face.crop
        return

    def read(photo: str) -> "np.ndarray | Failure":
        if photo not in landmarks:
            return Failure("no landmarks")
        try:
            pixels = images.read(folder / photo, partial=True)
        except ValueError as error:
            return Failure(str(error))
        require_inside(landmarks[photo], pixels, photo)
        return crop(pixels, landmarks[photo], template)

    with pool() as threads:
        yield from in_order(threads, read, photos, AHEAD)


def crop(
    pixels: np.ndarray, points: np.ndarray, template: str
) -> "np.ndarray | Failure":
    """Aligns a face; points that fit no similarity are a failure."""
    try:
        return alignment.align(pixels, points, template, antialias=True)
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
