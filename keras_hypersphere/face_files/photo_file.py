"""Files that photos are read from: regular ones, and nothing else."""

import os
import stat
from pathlib import Path

from keras_hypersphere.face_files.texts import shown

# Longer ones are not repeated as a whole.
SHOWN = 500


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
    size = len(name)
    name = (
        shown(name) + f" ({size} characters)"
        if size > SHOWN
        else shown(name, size)
    )
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

    Args:
        path: Where a photo is expected.

    Raises:
        ValueError: If it is a folder.
        PermissionError: If it is one that may not be read.

    Example:

    >>> kh.zoo.images.refuse_folder("photo.jpg")
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
