"""The folder of a report: its page and the pictures that the page shows."""

import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

PAGE = "index.html"
# Stands in the page, so that a later report knows the folder is one.
MARK = '<meta name="generator" content="keras-hypersphere evaluate">'
# Names that reports give to their files.
OWN = re.compile(
    r"index\.html|(roc|scores|ranks)\.png|(same|different)-\d\d\.png"
)


def require_folder(folder: "str | os.PathLike") -> None:
    """Finds before any work what would keep a report from being written.

    Args:
        folder: Where the report shall be. It is not made yet.

    Raises:
        ValueError: If it is a file or below one, or holds files of other
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
    if there == folder and not is_report(folder):
        alien = sorted(
            path.name for path in folder.iterdir() if OWN.fullmatch(path.name)
        )
        if alien:
            raise ValueError(
                f"'{folder / alien[0]}' is of no report, and a report would "
                "replace it. Give --report another folder, or move the file."
            )


def is_report(folder: Path) -> bool:
    """Whether a folder holds the page of an earlier report."""
    page = folder / PAGE
    return page.is_file() and MARK.encode() in page.read_bytes()


def write_report(
    folder: "str | os.PathLike", draw: Callable[[Path], str]
) -> Path:
    """Writes a report in the place of an earlier one.

    Everything is written elsewhere first: after an error an earlier report is
    there as it was. Its files are then replaced, and those of its pictures
    that the new one lacks are removed. Other files are left alone.

    Args:
        folder: Made if it does not exist.
        draw: Writes pictures into the folder it is given; returns the page.

    Returns:
        The path of the page.

    Raises:
        OSError: If it cannot be written, with the reason.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as new:
            elsewhere = Path(new)
            (elsewhere / PAGE).write_text(draw(elsewhere), encoding="utf-8")
            names = {path.name for path in elsewhere.iterdir()}
            # The page comes last: it shows pictures that are there.
            for name in (*sorted(names - {PAGE}), PAGE):
                os.replace(elsewhere / name, folder / name)
            for path in folder.iterdir():
                if OWN.fullmatch(path.name) and path.name not in names:
                    path.unlink()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise OSError(
            f"The report in '{folder}' was not written: {why}. The figures "
            "hold; give --report a folder that can be written to."
        ) from error
    return folder / PAGE


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Writes an RGB picture. `cv2.imwrite` would hide a full disk."""
    _, data = cv2.imencode(path.suffix, pixels[:, :, ::-1])
    path.write_bytes(data.tobytes())
