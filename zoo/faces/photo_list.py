"""A photo, a list of photos or a folder becomes a list of named photos."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeGuard

import numpy as np

from keras_hypersphere.zoo import images

Photo = str | os.PathLike | np.ndarray
Photos = Photo | Sequence[Photo]


def is_single(photos: Photos) -> "TypeGuard[Photo]":
    """Whether it is one photo: a file name, or its pixels."""
    if isinstance(photos, (str, os.PathLike)):
        return not Path(photos).is_dir()
    return isinstance(photos, np.ndarray) and photos.ndim != 4


def name_photos(photos: Photos) -> list[tuple[str, Photo]]:
    """Gives every photo a name for messages and results.

    Args:
        photos: A file name, a folder, an array, an array of photos, or a
            list of file names, folders and arrays.

    Returns:
        (name, photo) of each: the path of a file, the place in the list of
        an array.

    Raises:
        ValueError: If a folder has no pictures, or it is something else.
    """
    if isinstance(photos, (str, os.PathLike)):
        return list(expand(photos))
    if is_single(photos):
        return [("the photo", photos)]
    if not isinstance(photos, (np.ndarray, Sequence)):
        raise ValueError(
            "`photos` must be a file name, a folder, an array, or a list of "
            f"them. Received: photos of type {type(photos).__name__}"
        )
    named: list[tuple[str, Photo]] = []
    for place, photo in enumerate(photos):
        if isinstance(photo, (str, os.PathLike)):
            named.extend(expand(photo))
        else:
            named.append((f"photo {place} of the list", photo))
    return named


def expand(path: "str | os.PathLike") -> Iterator[tuple[str, Path]]:
    """A file as it is, of a folder all pictures below it."""
    path = Path(path)
    if not path.is_dir():
        yield str(path), path
        return
    found = images.files_in(path)
    if not found:
        raise ValueError(
            f"The folder '{path}' has no pictures "
            f"({', '.join(images.SUFFIXES)})."
        )
    for each in found:
        yield str(each), each
