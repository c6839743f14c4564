"""Pairs of faces in InsightFace's `.bin` files."""

import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.face_files.open_file import OpenFile
from keras_hypersphere.face_files.pickle_data import Array, bools, read_data

LARGEST = 2**32


def read_verification_bin(
    path: "str | os.PathLike",
) -> tuple[list[bytes], np.ndarray]:
    """Reads pairs of faces for verification, such as `lfw.bin`.

    The file is a pickle. It is never unpickled: its opcodes are read, lists,
    bytes, booleans and uint8 arrays are taken, and anything else is refused.
    So a file of unknown origin can be opened. Python 2 and 3, protocols 2 to
    5, photos as bytes or as NumPy arrays.

    Photos stay encoded as they are, since decoded ones would take ten times
    the memory and not be the same bytes when written again. Photo 2p and
    2p + 1 are pair p. `kh.zoo.images.read` decodes one to RGB.

    Args:
        path: String or path.

    Returns:
        `(images, same)`: a list of 2P bytes, image files of aligned crops, as
        a rule of 112 x 112 pixels; and a `(P,)` bool array, whether both are
        of one person.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it holds anything else, or is damaged; the message
            names the byte.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.bin"
    >>> photos = [b"Ann 1", b"Ann 2", b"Ann 1", b"Bob 1"]
    >>> kh.data.write_verification_bin(path, photos, [True, False])
    >>> images, same = kh.data.read_verification_bin(path)
    >>> images == photos, same
    (True, array([ True, False]))

    Reference:
        InsightFace, `recognition/arcface_torch/eval/verification.py`,
        `load_bin`, which unpickles the file.
    """
    file = OpenFile(path, keep=False)
    if file.size > LARGEST:
        raise ValueError(
            f"'{file.path}' has {file.size} bytes; at most {LARGEST} are read."
        )
    found = read_data(file.path, file.read(0, file.size))
    if not isinstance(found, list | tuple) or len(found) != 2:
        raise wrong(file.path, "no pair of photos and booleans")
    photos, same = found
    if isinstance(same, Array) and same.dtype == "b1":
        same = bools(same)
    if not isinstance(photos, list | tuple) or not isinstance(
        same, list | tuple
    ):
        raise wrong(file.path, "no lists")
    if len(photos) != 2 * len(same) or not same:
        raise wrong(file.path, f"{len(photos)} photos and {len(same)} booleans")
    for index, value in enumerate(same):
        if type(value) is not bool:
            raise wrong(file.path, f"no boolean for pair {index}")
    images = [photo_of(file.path, i, photo) for i, photo in enumerate(photos)]
    return images, np.array(same, bool)


def photo_of(path: Path, index: int, photo: Any) -> bytes:
    """The bytes of a photo, in whatever they came."""
    if isinstance(photo, Array) and photo.dtype == "u1":
        photo = photo.data
    if not isinstance(photo, bytes) or not photo:
        raise wrong(path, f"no photo number {index}")
    return photo


def wrong(path: Path, what: str) -> ValueError:
    """The error of data that are no pairs."""
    return ValueError(
        f"'{path}' holds {what}. Expected (photos, same): encoded images "
        "a0, b0, a1, b1, … and a boolean for each pair."
    )


def write_verification_bin(
    path: "str | os.PathLike", images: Sequence[Any], same: Any
) -> None:
    """Writes pairs of faces as InsightFace's tools read them.

    Args:
        path: String or path, of the file to write; it appears when it is
            whole.
        images: 2P photos a0, b0, a1, b1, …, aligned crops of one size:
            bytes of image files, which are kept as they are, or
            `(height, width, 3)` uint8 arrays, RGB, which become PNG.
        same: `(P,)` booleans.

    Raises:
        ValueError: If there are not two photos a pair, or one is neither.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.bin"
    >>> crops = np.zeros((4, 112, 112, 3), "uint8")
    >>> kh.data.write_verification_bin(path, crops, [True, False])
    >>> images, same = kh.data.read_verification_bin(path)
    >>> kh.zoo.images.read(images[0]).shape
    (112, 112, 3)

    Reference:
        InsightFace, `recognition/common/build_eval_pack.py`.
    """
    flags = np.asarray(same)
    if flags.ndim != 1 or flags.dtype != bool or not len(flags):
        raise ValueError(
            "`same` must be (P,) booleans. Received: "
            f"same.shape={flags.shape}, dtype={flags.dtype}."
        )
    if len(images) != 2 * len(flags):
        raise ValueError(
            f"`images` must be two for each of {len(flags)} pairs. Received: "
            f"{len(images)} images."
        )
    photos = [encoded(index, image) for index, image in enumerate(images)]
    with atomic_write(Path(path)) as file:
        # Protocol 4 with plain bytes names no class at all.
        pickle.dump((photos, flags.tolist()), file, protocol=4)


def encoded(index: int, image: Any) -> bytes:
    """An image file of a photo."""
    if isinstance(image, bytes | bytearray) and image:
        return bytes(image)
    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise ValueError(
            "`images` must be bytes of image files or (height, width, 3) "
            f"uint8 arrays. Received: images[{index}] of type "
            f"{type(image).__name__}, shape={array.shape}, "
            f"dtype={array.dtype}."
        )
    import cv2

    # OpenCV's order is BGR.
    done, data = cv2.imencode(".png", np.ascontiguousarray(array[..., ::-1]))
    if not done:
        raise ValueError(f"images[{index}] cannot be written as PNG.")
    return data.tobytes()
