"""One aligned face of each photo of a list, made in threads."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_hypersphere.zoo import alignment, images
from keras_hypersphere.zoo.faces.aligned_faces import (
    YUNET,
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


class Outside(Failure):
    """The landmarks are those of another photo, or of another size."""


def crops_of(
    folder: "str | os.PathLike",
    photos: Sequence[str],
    template: str,
    landmarks: Mapping[str, np.ndarray] | None = None,
    rule: str = "center",
    detector: alignment.FaceDetector = YUNET,
) -> "Iterator[np.ndarray | Failure]":
    """Yields a crop, or why there is none, for each photo in order.

    Args:
        folder: The folder that the paths in `photos` start from.
        photos: Paths.
        template: The crop, a name in `alignment.TEMPLATES`.
        landmarks: Five landmarks for each photo, instead of detecting.
        rule: Which of several detected faces is meant: `"center"` or
            `"largest"`.
        detector: What finds faces.

    Raises:
        ValueError: If there is no such template, if it needs more than
            landmarks, or if the landmarks are those of other photos: by
            their names, or most of them lie outside.
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
        with contextlib.closing(
            align_photos(named, template, rule, True, detector)
        ) as found:
            for photo_faces in found:
                problem = photo_faces.problem
                if problem is not None:
                    no_face = isinstance(problem, alignment.NoFaceError)
                    yield Failure(
                        "no face detected" if no_face else str(problem)
                    )
                else:
                    yield photo_faces.faces[0].crop
        return

    def read(photo: str) -> "np.ndarray | Failure":
        if photo not in landmarks:
            return Failure("no landmarks")
        try:
            pixels = images.read(folder / photo, partial=True)
        except ValueError as error:
            return Failure(str(error))
        if not is_inside(landmarks[photo], pixels):
            return Outside(
                f"all landmarks lie outside the photo of {pixels.shape[1]} x "
                f"{pixels.shape[0]} pixels"
            )
        return crop(pixels, landmarks[photo], template)

    most = sum(photo in landmarks for photo in photos) / 2
    outside = 0
    with (
        pool() as threads,
        contextlib.closing(in_order(threads, read, photos, AHEAD)) as results,
    ):
        for photo, result in zip(photos, results, strict=True):
            outside += isinstance(result, Outside)
            if outside > most:
                raise ValueError(
                    "Most landmarks lie outside their photos: they belong to "
                    f"photos of another size. Of {photo}, {result.reason}."
                )
            yield result


def crop(
    pixels: np.ndarray, points: np.ndarray, template: str
) -> "np.ndarray | Failure":
    """Aligns a face; points that fit no similarity are a failure."""
    try:
        return alignment.align(pixels, points, template, antialias=True)
    except ValueError as error:
        return Failure(str(error))


def is_inside(points: np.ndarray, pixels: np.ndarray) -> bool:
    """Whether any landmark lies in the photo: the border may cut a face."""
    height, width = pixels.shape[:2]
    inside = (points >= 0) & (points <= (width - 1, height - 1))
    return bool(inside.all(axis=1).any())
