"""What a photo may be: a file, pixels, bytes, an open file, a PIL image."""

import os
import sys
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from keras_hypersphere.zoo.photos.texts import (
    EXPECTED,
    LONGEST,
    SHORTEST,
    data_url_bytes,
    is_data_url,
    looks_like_base64,
    text_problem,
)

if TYPE_CHECKING:
    from PIL.Image import Image

Photo: TypeAlias = (
    "str | os.PathLike | np.ndarray | bytes | bytearray | memoryview "
    "| BinaryIO | Image"
)


def is_file_name(source: object) -> bool:
    """Whether it names a file or folder, which may not be there."""
    if isinstance(source, str):
        return not is_data_url(source) and text_problem(source) is None
    return isinstance(source, os.PathLike)


def is_photo(source: object) -> bool:
    """Whether it is one photo, as far as its type tells."""
    return (
        isinstance(source, (str, os.PathLike, bytes, bytearray, memoryview))
        or hasattr(source, "read")
        or is_pil(source)
        or (is_array(source) and not is_batch(source))
    )


def is_batch(array: Any) -> bool:
    """Whether an array holds several photos, or their names."""
    names = array.ndim == 1 and getattr(array.dtype, "kind", "") in "OU"
    return array.ndim == 4 or names


def is_array(source: object) -> bool:
    """Whether it holds numbers as NumPy, TensorFlow, JAX and PyTorch do."""
    return hasattr(source, "__array__") and not (
        isinstance(source, (str, bytes)) or is_pil(source)
    )


def is_pil(source: object) -> bool:
    """Whether it is a PIL image; PIL is not imported for that."""
    kind = getattr(sys.modules.get("PIL.Image"), "Image", None)
    return kind is not None and isinstance(source, kind)


def contents(source: Any) -> bytes:
    """The bytes of a picture that is no file name and no array.

    Raises:
        ValueError: If it is none, or a text that says something else.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
    elif isinstance(source, str):
        problem = text_problem(source) if not is_data_url(source) else None
        if problem:
            raise ValueError(problem)
        return data_url_bytes(source)
    elif hasattr(source, "read"):
        data = read_open_file(source)
    else:
        raise ValueError(wrong_type(source))
    if data[:5].lower() == b"data:":
        return data_url_bytes(data.decode("latin-1"))
    if len(data) >= SHORTEST and looks_like_base64(
        data[:LONGEST].decode("latin-1")
    ):
        raise ValueError(
            f"The {len(data)} bytes look like base64. Pass "
            "`base64.b64decode(…)` of them."
        )
    return data


def wrong_type(source: object) -> str:
    """What is wrong with something that can be no photo."""
    if source is None:
        return (
            "None is no photo: `cv2.imread` returns it for a file that it "
            "cannot read. Pass the file name."
        )
    return f"A photo must be {EXPECTED}. Received: type {type(source).__name__}"


def read_open_file(file: Any) -> bytes:
    """Reads a binary file object from where it stands to its end.

    Raises:
        ValueError: If it gives text, nothing, or is no such object.
    """
    data = file.read()
    if isinstance(data, (bytes, bytearray, memoryview)):
        if len(data):
            return bytes(data)
        raise ValueError(
            "The file object has nothing left to read. Call its `.seek(0)` "
            "first, or pass the bytes."
        )
    if hasattr(data, "close"):
        # A coroutine that nobody waits for would warn.
        data.close()
    raise ValueError(
        "The file object must give bytes: open it with mode 'rb'; of an "
        f"upload pass its `.file`. Received: {type(data).__name__}"
    )


def array_pixels(source: Any) -> np.ndarray:
    """The numbers of an array of any library.

    Raises:
        ValueError: If they lie where NumPy cannot reach them, or are bytes
            in a wider type: uint16 is read by its range, and all were black.
    """
    try:
        pixels = np.asarray(source)
    except (TypeError, RuntimeError) as error:
        raise ValueError(
            f"The {type(source).__name__} cannot be read as a NumPy array "
            f"({' '.join(str(error).split())}). Move it to the CPU, and "
            "detach it."
        ) from None
    if pixels.dtype == np.uint16 and 0 < pixels.max(initial=0) <= 255:
        raise ValueError(
            "A photo of uint16 must hold numbers in [0, 65535]; these look "
            "like bytes. Pass `photo.astype('uint8')`. "
            f"Received: values up to {pixels.max()}, dtype=uint16"
        )
    return pixels


def pil_pixels(image: "Image") -> np.ndarray:
    """The pixels of a PIL image, upright: gray, RGB or RGBA.

    Raises:
        ValueError: If its file is damaged or closed.
    """
    import PIL.ImageOps

    try:
        image = PIL.ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16"):
            return np.asarray(image).astype(np.uint16)
        if image.mode == "I":
            # 16 bit, as Pillow reads it from many files.
            values = np.asarray(image)
            fits = 255 < values.max() <= 65535 and values.min() >= 0
            return values.astype(np.uint16) if fits else values
        if image.mode == "F":
            return np.asarray(image)
        alpha = "A" in image.getbands() or "transparency" in image.info
        return np.asarray(image.convert("RGBA" if alpha else "RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            f"The PIL image cannot be read ({' '.join(str(error).split())})."
        ) from None
