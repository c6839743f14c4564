"""A photo, several photos or a folder become named photos, one by one."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any, TypeAlias, TypeGuard

import numpy as np

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.photos.kinds import is_file_name, is_photo
from keras_hypersphere.zoo.photos.texts import EXPECTED

Photo: TypeAlias = images.Photo
Photos: TypeAlias = "Photo | Iterable[Photo]"
Named: TypeAlias = tuple[str, Photo]


def is_single(photos: Photos) -> "TypeGuard[Photo]":
    """Whether it is one photo: a file name, pixels, bytes, an open file."""
    if is_folder(photos):
        return False
    return is_photo(photos)


def is_folder(photos: object) -> bool:
    """Whether it names a folder that is there; the empty name does not."""
    return is_file_name(photos) and os.path.isdir(photos)  # type: ignore[arg-type]


def name_photos(photos: Photos, aligned: bool = False) -> list[Named]:
    """Gives every photo a name, as `iterate_photos` does, all at once."""
    return list(iterate_photos(photos, aligned)[0])


def iterate_photos(
    photos: Photos, aligned: bool = False
) -> tuple[Iterator[Named], int | None]:
    """Gives every photo a name for messages and results.

    Lists and folders are looked at here, at once; a generator is asked for
    a photo when one is wanted, so it may be endless, as video frames are.

    Args:
        photos: A photo (see `images.read`), a folder, an array of photos,
            or a list or any other iterable of photos and folders.
        aligned: Whether the photos are crops already: in folders those that
            `align` wrote into sub-folders are searched for, too.

    Returns:
        (name, photo) of each, and how many there are; None if nobody knows.
        The name is the path of a file, and the place of anything else, such
        as "photo 3 of the list".

    Raises:
        ValueError: If a folder has no pictures, or it is something else.
    """
    if is_folder(photos):
        found = list(expand(photos, aligned))  # type: ignore[arg-type]
        return iter(found), len(found)
    if is_single(photos):
        name = os.fspath(photos) if is_file_name(photos) else "the photo"  # type: ignore[arg-type]
        return iter([(str(name), photos)]), 1
    if isinstance(photos, Mapping) or not isinstance(
        photos, (np.ndarray, Iterable)
    ):
        raise ValueError(
            f"`photos` must be {EXPECTED}, a folder, or several of them. "
            f"Received: photos of type {type(photos).__name__}"
        )
    if isinstance(photos, (Sized, Sequence)):
        named = list(name_each(photos, "list", aligned))
        return iter(named), len(named)
    return name_each(photos, "stream", aligned), None


def name_each(
    photos: Iterable[Any], where: str, aligned: bool
) -> Iterator[Named]:
    """Names photos by their paths, or by their places."""
    for place, photo in enumerate(photos):
        if is_file_name(photo):
            yield from expand(photo, aligned)
        else:
            yield f"photo {place} of the {where}", photo


def expand(path: "str | os.PathLike", aligned: bool = False) -> Iterator[Named]:
    """A file as it is, of a folder all pictures below it."""
    path = Path(path)
    if not os.path.isdir(path):
        yield str(path), path
        return
    found = images.files_in(path, crops=aligned)
    if not found:
        raise ValueError(
            f"The folder '{path}' has no pictures "
            f"({', '.join(images.SUFFIXES)})."
        )
    for each in found:
        yield str(each), each
