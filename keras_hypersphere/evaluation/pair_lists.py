"""Lists of pairs: LFW's, YouTube Faces', and two paths with a flag."""

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

# LFW numbers the photos of a person: Name/Name_0001.jpg.
PHOTO = "{name}/{name}_{number:04d}.jpg"
# How many examples an error message names.
EXAMPLES = 3


@dataclasses.dataclass(frozen=True, eq=False)
class PairList:
    """Pairs of photos in the order of their file.

    Args:
        left: path of the first photo of each pair, below a folder of images.
        right: path of the second.
        same: `(n,)` booleans: do both show one person?
        folds: number of folds the file declares, or the fold of each pair;
            `None` where it does not say.
    """

    left: list[str]
    right: list[str]
    same: np.ndarray
    folds: int | np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.left)

    def photos(self) -> list[str]:
        """Returns every photo once, in the order of first appearance."""
        couples = zip(self.left, self.right, strict=True)
        return list(dict.fromkeys(path for pair in couples for path in pair))

    def indices(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns where `photos()` holds the two photos of each pair."""
        place = {path: index for index, path in enumerate(self.photos())}
        return (
            np.array([place[path] for path in self.left]),
            np.array([place[path] for path in self.right]),
        )

    def require_photos(self, folder: str | os.PathLike) -> None:
        """Raises an error that counts and names photos missing in `folder`."""
        folder = Path(folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"No such folder of images: {folder}")
        photos = self.photos()
        missing = [path for path in photos if not (folder / path).is_file()]
        if missing:
            named = ", ".join(missing[:EXAMPLES])
            more = ", …" if len(missing) > EXAMPLES else ""
            raise FileNotFoundError(
                f"{len(missing)} of {len(photos)} photos are missing in "
                f"{folder}: {named}{more}"
            )


def read_lfw_pairs(path: str | os.PathLike) -> PairList:
    """Reads the format of LFW's `pairs.txt`.

    The first line holds the number of folds and of pairs of each kind in a
    fold (`10 300`), or one number for a single set. Each fold follows, its
    same pairs (`name number number`) before its different ones (`name
    number name number`), with tabs or spaces between.

    Args:
        path: The file.

    Raises:
        ValueError: If a line is not as above; the message names it.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.txt"
    >>> _ = path.write_text("1\\nAnn_Lee 1 2\\nAnn_Lee 1 Bob_Ray 1\\n")
    >>> pairs = kh.evaluation.read_lfw_pairs(path)
    >>> pairs.right
    ['Ann_Lee/Ann_Lee_0002.jpg', 'Bob_Ray/Bob_Ray_0001.jpg']
    >>> pairs.same
    array([ True, False])
    """
    lines = _lines(path)
    number, header = next(lines, (1, []))
    if len(header) not in (1, 2) or not all(map(_is_count, header)):
        raise ValueError(
            f"{path}, line {number}: expected the number of folds and of "
            f"pairs of each kind, as `10 300`. Received: {' '.join(header)!r}."
        )
    folds, size = map(int, header if len(header) == 2 else ["1", *header])
    left: list[str] = []
    right: list[str] = []
    same: list[bool] = []
    for number, words in lines:
        if len(words) not in (3, 4):
            raise ValueError(
                f"{path}, line {number}: expected `name number number` or "
                f"`name number name number`. Received: {' '.join(words)!r}."
            )
        alike = len(words) == 3
        first, second = words[:2], [words[0], words[2]] if alike else words[2:]
        expected = len(same) % (2 * size) < size
        if alike != expected:
            kinds = ("different", "same")
            raise ValueError(
                f"{path}, line {number}: expected a {kinds[expected]} pair, "
                f"since the header says {size} of each kind in a fold. "
                f"Received: {' '.join(words)!r}."
            )
        left.append(_photo(path, number, *first))
        right.append(_photo(path, number, *second))
        same.append(alike)
    if len(same) != 2 * folds * size:
        raise ValueError(
            f"{path}: the header says {folds} x 2 x {size} = "
            f"{2 * folds * size} pairs, but {len(same)} follow. Is the file "
            "complete?"
        )
    return PairList(left, right, np.array(same), folds if folds > 1 else None)


def read_pairs(path: str | os.PathLike) -> PairList:
    """Reads lines of `path_a path_b 0|1`, 1 for the same person.

    Tabs part the fields where a line has any (paths may then hold spaces),
    white space elsewhere. Empty lines are skipped.

    Args:
        path: The file.

    Raises:
        ValueError: If a line is not as above; the message names it.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.txt"
    >>> _ = path.write_text("ann1.jpg ann2.jpg 1\\nann1.jpg bob.jpg 0\\n")
    >>> kh.evaluation.read_pairs(path).right
    ['ann2.jpg', 'bob.jpg']
    """
    left: list[str] = []
    right: list[str] = []
    same: list[bool] = []
    for number, words in _lines(path):
        if not same and len(words) < 3 and all(map(_is_count, words)):
            raise ValueError(
                f"{path}, line {number}: this looks like the header of LFW's "
                "pairs.txt; read it as LFW's."
            )
        if len(words) != 3 or words[2] not in ("0", "1"):
            raise ValueError(
                f"{path}, line {number}: expected two paths and 0 or 1. "
                f"Received: {' '.join(words)!r}."
            )
        left.append(words[0])
        right.append(words[1])
        same.append(words[2] == "1")
    if not same:
        raise ValueError(f"{path}: the file holds no pairs.")
    return PairList(left, right, np.array(same))


def read_ytf_pairs(path: str | os.PathLike) -> PairList:
    """Reads the list of YouTube Faces, `splits.txt`.

    Lines of `fold, number, video_a, video_b, 0|1`, 1 for the same person;
    a first line that names the columns is passed over. A video is `Name/3`.
    `folds` of the list holds the fold of each pair.

    Args:
        path: The file.

    Raises:
        ValueError: If a line is not as above; the message names it.

    Example:

    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "pairs.txt"
    >>> _ = path.write_text("1, 1, Ann_Lee/1, Ann_Lee/4, 1\\n")
    >>> pairs = kh.evaluation.read_ytf_pairs(path)
    >>> pairs.left, pairs.folds
    (['Ann_Lee/1'], array([1]))
    """
    left: list[str] = []
    right: list[str] = []
    same: list[bool] = []
    folds: list[int] = []
    for number, words in _lines(path, separator=","):
        if not same and len(words) > 4 and not any(map(str.isdigit, words)):
            continue
        good = len(words) == 5 and all(map(str.isdecimal, words[:2]))
        if not good or not all(words) or words[4] not in ("0", "1"):
            raise ValueError(
                f"{path}, line {number}: expected `fold, number, video, "
                f"video, 0 or 1`. Received: {', '.join(words)!r}."
            )
        folds.append(int(words[0]))
        left.append(words[2])
        right.append(words[3])
        same.append(words[4] == "1")
    if not same:
        raise ValueError(f"{path}: the file holds no pairs.")
    return PairList(left, right, np.array(same), np.array(folds))


def _lines(
    path: str | os.PathLike, separator: str = "\t"
) -> Iterator[tuple[int, list[str]]]:
    """Yields the number and the fields of every line that is not empty."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"No such file of pairs: {path}")
    with open(path, encoding="utf-8-sig") as file:
        try:
            for number, line in enumerate(file, 1):
                parted = separator in line
                fields = line.split(separator) if parted else line.split()
                words = [field.strip() for field in fields]
                if any(words):
                    yield number, words
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not a text file ({error}).") from error


def _is_count(word: str) -> bool:
    return re.fullmatch("[0-9]+", word) is not None and int(word) > 0


def _photo(path: str | os.PathLike, line: int, name: str, number: str) -> str:
    if not name or not _is_count(number):
        raise ValueError(
            f"{path}, line {line}: expected a name and the number of a "
            f"photo, counted from 1. Received: {f'{name} {number}'!r}."
        )
    return PHOTO.format(name=name, number=int(number))
