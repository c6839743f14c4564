"""Reads photos of every kind into one form: RGB, uint8, upright.

`read` takes a file name, an array, bytes, an open file, a PIL image or a
data URL, and returns `(height, width, 3)`, RGB, uint8. What other readers
leave to the caller is settled here:

* the EXIF orientation is applied, at any depth and with any alpha channel,
  and so are the turns of AVIF;
* gray becomes RGB; a transparent picture is laid on white, as viewers show it;
* 16 bit becomes 8 bit by range: 65535 becomes 255 (257 gray levels to one);
* a damaged or truncated file is a `ValueError` that names the file, as far as
  its format tells.
"""

from pathlib import Path

import cv2
import numpy as np

from keras_hypersphere.face_files.photo_file import file_bytes, refuse_folder
from keras_hypersphere.face_files.photo_folders import SUFFIXES, files_in
from keras_hypersphere.zoo.photos import kinds
from keras_hypersphere.zoo.photos.decoding import decode
from keras_hypersphere.zoo.photos.kinds import Photo
from keras_hypersphere.zoo.photos.pixels import as_bytes, from_array

__all__ = [
    "SUFFIXES",
    "Photo",
    "as_bytes",
    "decode",
    "files_in",
    "from_array",
    "read",
    "refuse_folder",
]


def read(
    source: Photo, partial: bool = False, name: str | None = None
) -> np.ndarray:
    """Reads one photo.

    Args:
        source: A file name; an array: `(height, width)` gray,
            `(height, width, 3)` RGB or `(height, width, 4)` RGBA; uint8,
            uint16, or any other number type with values in [0, 255]; the
            bytes of a picture file, or a file object open for reading bytes,
            read from where it stands; a PIL image; or a data URL,
            `"data:image/jpeg;base64,…"`.
        partial: Whether a file whose end is missing, or that is damaged, is
            read as far as it goes, the rest gray. Default: False, an error.
            Published data sets hold such files: LFW has one.
        name: What to call a photo in messages that has no file name, such
            as "photo 3 of the list". Default: nothing.

    Returns:
        `(height, width, 3)` uint8 array, RGB, upright.

    Raises:
        FileNotFoundError: If there is no such file.
        PermissionError: If the file may not be read.
        ValueError: If it is no readable picture, no regular file, or the
            array has another shape, type or range.

    Example:

    >>> from pathlib import Path
    >>> samples = Path(kh.zoo.__file__).parent / "samples"
    >>> photo = kh.zoo.images.read(samples / "grace_hopper.jpg")
    >>> photo.shape, photo.dtype
    ((600, 512, 3), dtype('uint8'))
    """
    if kinds.is_file_name(source):
        path = Path(source)  # type: ignore[arg-type]
        return decoded(file_bytes(path), f"'{path}'", partial)
    try:
        if kinds.is_pil(source):
            return from_array(kinds.pil_pixels(source))  # type: ignore[arg-type]
        if kinds.is_array(source):
            return from_array(kinds.array_pixels(source))
        data = kinds.contents(source)
        called = "The open file" if hasattr(source, "read") else "The data"
        return decoded(data, called, partial)
    except ValueError as error:
        raise ValueError(f"{name}: {error}" if name else str(error)) from None


def decoded(data: bytes, name: str, partial: bool) -> np.ndarray:
    """Decodes the bytes of a file; messages begin with its name."""
    try:
        return from_array(decode(data, partial))
    except (ValueError, cv2.error) as error:
        # OpenCV's own words are about its source code, not about the file.
        why = "" if isinstance(error, cv2.error) else f" ({error})"
        raise ValueError(
            f"{name} cannot be read as a photo{why}. Expected a whole file "
            "of a format that OpenCV reads: JPEG, PNG, WebP, AVIF, TIFF, BMP."
        ) from None
