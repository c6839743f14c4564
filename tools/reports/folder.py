"""The folder of a report, and the one page in it."""

import os
from collections.abc import Callable
from pathlib import Path

from keras_hypersphere.atomic_write import atomic_write

PAGE = "index.html"
# Stands in the page, so that a later report knows the folder is one.
MARK = '<meta name="generator" content="keras-hypersphere evaluate">'


def require_folder(folder: "str | os.PathLike") -> None:
    """Finds before any work what would keep a report from being written.

    Args:
        folder: Where the report shall be. It is not made yet.

    Raises:
        ValueError: If it is a file or below one, or holds a page of other
            origin that a report would replace.
        PermissionError: If nothing may be written there.
    """
    folder = Path(folder)
    there = folder
    while not os.path.lexists(there):
        there = there.parent
    if not there.is_dir():
        raise ValueError(
            f"'{there}' is a file, --report needs a folder. Give the name of "
            "a folder, or one that does not exist yet. "
            f"Received: --report {folder}"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(
            f"Nothing may be written to '{there}'. Give --report another "
            f"folder. Received: --report {folder}"
        )
    page = folder / PAGE
    if os.path.lexists(page) and not is_report(page):
        raise ValueError(
            f"'{page}' is of no report, and a report would replace it. Give "
            "--report another folder, or move the file."
        )


def is_report(page: Path) -> bool:
    """Whether a file is the page of an earlier report."""
    return page.is_file() and MARK.encode() in page.read_bytes()


def write_report(folder: "str | os.PathLike", draw: Callable[[], str]) -> Path:
    """Writes a report in the place of an earlier one.

    After an error an earlier report is there as it was. Other files of the
    folder are left alone.

    Args:
        folder: Made if it does not exist.
        draw: Returns the page, which needs no other file.

    Returns:
        The path of the page.

    Raises:
        OSError: If it cannot be written, with the reason.
    """
    folder = Path(folder)
    page = folder / PAGE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = draw()
        with atomic_write(page) as file:
            file.write(text.encode())
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise OSError(
            f"The report in '{folder}' was not written: {why}. The figures "
            "hold; give --report a folder that can be written to."
        ) from error
    return page
