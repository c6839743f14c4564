"""Reads photos of every kind into one form: RGB, uint8, upright.

`read` takes a file name or an array and returns `(height, width, 3)`, RGB,
uint8. What other readers leave to the caller is settled here:

* the EXIF orientation is applied, at any depth and with any alpha channel;
* gray becomes RGB; a transparent picture is laid on white, as viewers show it;
* 16 bit becomes 8 bit by range: 65535 becomes 255 (257 gray levels to one);
* a corrupt or truncated file is a `ValueError` that names the file.
"""

import os
from pathlib import Path

import cv2
import numpy as np

SUFFIXES = (
    *(".bmp", ".gif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm"),
    *(".png", ".ppm", ".tif", ".tiff", ".webp"),
)

JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"

# OpenCV turns by EXIF in every mode but IMREAD_UNCHANGED, the only one that
# keeps the alpha channel.
UPRIGHT = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
AS_STORED = UPRIGHT | cv2.IMREAD_IGNORE_ORIENTATION


def read(
    source: "str | os.PathLike | np.ndarray", partial: bool = False
) -> np.ndarray:
    """Reads one photo.

    Args:
        source: A file name, or an array: `(height, width)` gray,
            `(height, width, 3)` RGB or `(height, width, 4)` RGBA; uint8,
            uint16, or any other number type with values in [0, 255].
        partial: Whether a file whose end is missing is read as far as it
            goes, the rest gray. Default: False, an error. Published data
            sets hold such files: LFW has one.

    Returns:
        `(height, width, 3)` uint8 array, RGB, upright.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is no readable picture, or the array has
            another shape, type or range.
    """
    if isinstance(source, np.ndarray):
        return from_array(source)
    if not isinstance(source, (str, os.PathLike)):
        raise ValueError(
            "`source` must be a file name or a NumPy array. "
            f"Received: source of type {type(source).__name__}"
        )
    path = Path(source)
    refuse_folder(path)
    if not path.is_file():
        if path.is_symlink():
            raise FileNotFoundError(
                f"'{path}' is a link to '{os.readlink(path)}', which is not "
                "there. Mend the link, or remove it."
            )
        raise FileNotFoundError(f"There is no photo '{path}'. Check its name.")
    try:
        pixels = decode(path.read_bytes(), partial)
        return from_array(pixels)
    except (ValueError, cv2.error) as error:
        # OpenCV's own words are about its source code, not about the file.
        why = "" if isinstance(error, cv2.error) else f" ({error})"
        raise ValueError(
            f"'{path}' cannot be read as a photo{why}. Expected a whole "
            "file of a format that OpenCV reads: JPEG, PNG, WebP, TIFF, BMP."
        ) from None


def refuse_folder(path: "str | os.PathLike") -> None:
    """Raises a `ValueError` where one photo is meant and a folder named."""
    if Path(path).is_dir():
        raise ValueError(
            f"'{Path(path)}' is a folder, a photo was expected. "
            "Name one of its files."
        )


def files_in(folder: "str | os.PathLike") -> list[Path]:
    """Returns the pictures under a folder, by suffix, sorted by path.

    Args:
        folder: A folder; its sub-folders are searched too. Names that start
            with a dot are left out.

    Returns:
        The paths. An empty list if there are none. A link to nothing is
        one of them: `read` says what is wrong with it.
    """
    folder = Path(folder)
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and (path.is_file() or (path.is_symlink() and not path.exists()))
        and not any(
            part.startswith(".") for part in path.relative_to(folder).parts
        )
    )


def decode(data: bytes, partial: bool = False) -> np.ndarray:
    """Decodes the bytes of a picture file: RGB or RGBA, depth as stored."""
    if not data:
        raise ValueError("the file is empty")
    if is_truncated(data):
        if not partial:
            raise ValueError("its end is missing")
        data += JPEG_END
    buffer = np.frombuffer(data, np.uint8)
    upright = cv2.imdecode(buffer, UPRIGHT)
    if upright is None:
        raise ValueError("unknown or damaged format")
    stored = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    if stored is None or stored.ndim != 3 or stored.shape[2] != 4:
        return upright[:, :, ::-1]
    alpha = turn_alike(
        stored[:, :, 3],
        np.asarray(cv2.imdecode(buffer, AS_STORED)),
        upright,
    )
    return np.dstack([upright[:, :, ::-1], alpha])


def turn_alike(
    plane: np.ndarray, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
    """Turns a plane by the one of the eight turns of `before` to `after`."""
    for mirrored in (False, True):
        for quarters in range(4):

            def turn(
                x: np.ndarray, mirrored: bool = mirrored, k: int = quarters
            ) -> np.ndarray:
                return np.rot90(x[:, ::-1] if mirrored else x, k)

            if np.array_equal(turn(before), after):
                return turn(plane)
    raise ValueError("its orientation is not understood")


def is_truncated(data: bytes) -> bool:
    """Whether the end of a JPEG or PNG file is missing.

    OpenCV fills what is missing with gray and says nothing.
    """
    if data.startswith(PNG_START):
        return PNG_END not in data
    if not data.startswith(JPEG_START):
        return False
    # Walk to the scan: a thumbnail in the header has an end of its own.
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xDA:
            return JPEG_END not in data[position:]
        if marker == 0xFF:
            position += 1
            continue
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return True


def from_array(pixels: np.ndarray) -> np.ndarray:
    """Turns gray, RGB or RGBA of any number type into RGB uint8."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or not pixels.size:
        raise ValueError(
            "A photo must have the shape (height, width), (height, width, 3) "
            f"or (height, width, 4). Received: shape={pixels.shape}"
        )
    pixels = as_bytes(pixels)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:].astype(np.float32) / 255.0
        shown = pixels[:, :, :3] * alpha + 255.0 * (1.0 - alpha)
        pixels = np.rint(shown).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """Turns uint16 by range, and other numbers in [0, 255], into uint8."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.dtype.kind not in "iuf":
        raise ValueError(
            "A photo must hold numbers in [0, 255]. "
            f"Received: dtype={pixels.dtype}"
        )
    low, high = float(pixels.min()), float(pixels.max())
    # Also false where a value is not a number.
    if not (low >= 0.0 and high <= 255.0):
        raise ValueError(
            "A photo must hold numbers in [0, 255]. "
            f"Received: values from {low} to {high}, dtype={pixels.dtype}"
        )
    if pixels.dtype.kind == "f" and 0.0 < high <= 1.0:
        raise ValueError(
            "A photo must hold numbers in [0, 255]; these look scaled to "
            "[0, 1]. Multiply them by 255. "
            f"Received: values from {low} to {high}, dtype={pixels.dtype}"
        )
    return np.rint(pixels).astype(np.uint8)
