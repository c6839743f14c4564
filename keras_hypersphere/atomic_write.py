"""Atomic writes: files that are there whole, or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Opens a file next to the path; once it is complete, it takes its place.

    What was there before is kept until then, and after an error. The name
    of the file next to it is short, whatever the length of its own.

    Raises:
        ValueError, OSError: As `require_place`.
    """
    require_place(path)
    part = path.with_name(f".{os.urandom(8).hex()}.part")
    try:
        with part.open("xb") as file:
            yield file
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def require_place(path: Path) -> None:
    """Refuses a path that no file can be written to.

    Raises:
        FileNotFoundError: If its folder is not there.
        PermissionError: If nothing may be written into its folder.
        ValueError: If it is a folder itself.
    """
    folder = path.parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder '{folder}' to write '{path.name}' into. "
            "Make it first."
        )
    if path.is_dir():
        raise ValueError(
            f"'{path}' is a folder, the name of a file to write was expected. "
            f"Name one in it, such as '{path / f'1{path.suffix}'}'."
        )
    if not os.access(folder, os.W_OK):
        raise PermissionError(
            f"Nothing may be written into the folder '{folder}'. "
            "Name another one."
        )
