"""The list of crops that `align` writes next to them, one JSON line a crop.

A line says what a crop is cut out of, and where: `crop`, relative to the list;
`photo`, an absolute path; `sha256` of the photo's file; `template`, `size`
(height, width), `choose`, `faces` (how many the photo has); `box`,
`landmarks` and `confidence` in the photo. Other programs may add fields and
lines. Of several lines for a crop the last one counts.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.face_files.photo_folders import CROPS


class CropList:
    """The list of a folder of crops, extended line by line.

    A line is in the file once `add` returns; `close` leaves one line for each
    crop, sorted.

    Args:
        folder: The folder, which is there.

    Raises:
        ValueError: If the list that is there is no such list.
    """

    def __init__(self, folder: "str | os.PathLike") -> None:
        self.path = Path(folder) / CROPS
        self.lines = read_crop_list(folder)
        self.write()
        self.file = self.path.open("a", encoding="utf-8")

    def add(self, line: Mapping[str, Any]) -> None:
        """Appends a line, or replaces that of the same crop."""
        self.lines[line["crop"]] = dict(line)
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()

    def close(self) -> None:
        """Writes one line for each crop, sorted."""
        self.file.close()
        self.write()

    def write(self) -> None:
        """Writes the list as a whole."""
        with atomic_write(self.path) as file:
            for name in sorted(self.lines):
                file.write(json.dumps(self.lines[name]).encode() + b"\n")


def read_crop_list(
    folder: "str | os.PathLike",
) -> dict[str, dict[str, Any]]:
    """Reads the list of a folder of crops: the line of each crop, by name.

    Args:
        folder: A folder that `align` wrote; without a list nothing is known.

    Raises:
        ValueError: If the list is damaged. Half a line at its end, of a
            program that was killed, is no damage.
    """
    path = Path(folder) / CROPS
    lines: dict[str, dict[str, Any]] = {}
    if not path.exists():
        return lines
    text = path.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            entry = json.loads(line)
            lines[entry["crop"]] = entry
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f"'{path}' is no list of crops: line {number} is no JSON "
                "object with a `crop`. Remove it, or choose another folder."
            ) from None
    return lines
