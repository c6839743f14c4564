"""What a photo may be: a file, pixels, bytes, an open file, a PIL image.

Texts that are no file names get an error that says what to do, and never
repeats what they hold.
"""

import base64
import binascii
import os
import re
import stat
import sys
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

Photo: TypeAlias = (
    "str | os.PathLike | np.ndarray | bytes | bytearray | memoryview "
    "| BinaryIO | Image"
)
EXPECTED = (
    "a file name, an array, bytes, a binary file object, a PIL image or a "
    "data URL"
)
BASE64 = re.compile(r"[A-Za-z0-9+/_=\s-]+")
# How the pictures of each format begin in base64.
BEGINNINGS = (
    *("/9j/", "iVBORw0KGgo", "UklGR", "R0lGOD", "SUkqA", "TU0AK", "AAAA"),
    *("Qk0", "Qk1", "Qk2", "Qk3"),
)
# Shorter texts may be names.
SHORTEST = 64
# No system takes longer names.
LONGEST = 4096
# Longer ones are not repeated as a whole.
SHOWN = 500
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
DATA_URL = re.compile(r"data:([^,;]*)((?:;[^,;]*)*),", re.IGNORECASE)


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


def is_data_url(text: str) -> bool:
    """Whether the text holds a picture itself, as web pages have them."""
    return text[:5].lower() == "data:"


def text_problem(text: str) -> str | None:
    """Why a text can be no file name, and what to do; None if it can."""
    if not text:
        return "An empty name is no photo. Name a file."
    if URL.match(text):
        return (
            f"A URL ({text[: text.index(':')]}://…) is no photo: nothing is "
            "downloaded here. Download it, and pass the file or its bytes."
        )
    if len(text) >= SHORTEST and looks_like_base64(text):
        return (
            f"A text of {len(text)} characters that looks like base64 is no "
            "file name. Pass `base64.b64decode(text)`, or a data URL: "
            "'data:image/jpeg;base64,' and the text."
        )
    if "\0" in text or len(text) > LONGEST:
        return (
            f"A text of {len(text)} characters is no file name. Expected "
            f"{EXPECTED}."
        )
    return None


def looks_like_base64(text: str) -> bool:
    """Whether it begins as a picture does, or is too long for a name."""
    if not BASE64.fullmatch(text[:LONGEST]):
        return False
    if max(map(len, text[:LONGEST].split("/"))) > 255:
        return True
    return text.startswith(BEGINNINGS) and not os.path.lexists(text)


def file_bytes(path: Path) -> bytes:
    """Reads a regular file; nothing else is opened.

    Raises:
        FileNotFoundError: If there is none.
        PermissionError: If it may not be read.
        ValueError: If it is a folder, or something else that is no file.
    """
    try:
        mode = path.stat().st_mode
    except PermissionError:
        raise refusal(path) from None
    except OSError:
        raise absent(path) from None
    if stat.S_ISDIR(mode):
        refuse_folder(path)
    if not stat.S_ISREG(mode):
        raise ValueError(
            f"'{path}' is {special(mode)}, a file was expected. Copy what it "
            "gives into a file, or pass the bytes."
        )
    try:
        return path.read_bytes()
    except PermissionError:
        raise refusal(path) from None


def refusal(path: Path) -> PermissionError:
    """The error of what may not be read."""
    return PermissionError(
        f"'{path}' may not be read. Give yourself the right to, or leave it "
        "out."
    )


def absent(path: Path) -> FileNotFoundError:
    """The error of what is not there."""
    if os.path.islink(path):
        return FileNotFoundError(
            f"'{path}' is a link to '{os.readlink(path)}', which is not "
            "there. Mend the link, or remove it."
        )
    name = str(path)
    if len(name) > SHOWN:
        name = f"{name[:40]}… ({len(name)} characters)"
    return FileNotFoundError(f"There is no photo '{name}'. Check its name.")


def special(mode: int) -> str:
    """What a file is that is no regular one."""
    if stat.S_ISFIFO(mode):
        return "a pipe (FIFO)"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device"


def refuse_folder(path: "str | os.PathLike") -> None:
    """Raises where one photo is meant and a folder named.

    Raises:
        ValueError: If it is a folder.
        PermissionError: If it is one that may not be read.
    """
    if os.fspath(path) == "" or not Path(path).is_dir():
        return
    if not os.access(path, os.R_OK | os.X_OK):
        raise PermissionError(
            f"The folder '{Path(path)}' may not be read: its photos are left "
            "out. Give yourself the right to, or remove it."
        )
    raise ValueError(
        f"'{Path(path)}' is a folder, a photo was expected. "
        "Name one of its files."
    )


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


def data_url_bytes(url: str) -> bytes:
    """Decodes `data:image/jpeg;base64,…`.

    Raises:
        ValueError: If it is none, or of something else than a picture.
    """
    head = DATA_URL.match(url[:LONGEST])
    if head is None:
        raise ValueError(
            "A data URL must look like 'data:image/jpeg;base64,…'. "
            f"Received: a text of {len(url)} characters without a comma "
            "after its type"
        )
    kind, words = head[1].strip().lower(), head[2].lower().split(";")
    if kind and not kind.startswith(("image/", "application/octet-stream")):
        raise ValueError(
            "A data URL must be of a picture: 'data:image/…'. "
            f"Received: type {kind[:40]}"
        )
    body = urllib.parse.unquote_to_bytes(url[head.end() :])
    if "base64" not in (word.strip() for word in words):
        return body
    body = b"".join(body.split()).translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(
            body.rstrip(b"=") + b"=" * (-len(body.rstrip(b"=")) % 4),
            validate=True,
        )
    except binascii.Error:
        raise ValueError(
            "The data URL is damaged: what follows its comma is no base64. "
            f"Received: {len(body)} characters"
        ) from None


def array_pixels(source: Any) -> np.ndarray:
    """The numbers of an array of any library.

    Raises:
        ValueError: If they lie where NumPy cannot reach them.
    """
    try:
        return np.asarray(source)
    except (TypeError, RuntimeError) as error:
        raise ValueError(
            f"The {type(source).__name__} cannot be read as a NumPy array "
            f"({' '.join(str(error).split())}). Move it to the CPU, and "
            "detach it."
        ) from None


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
