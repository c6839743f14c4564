"""A file that several threads and processes read at any place."""

import contextlib
import json
import mmap
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LARGEST_JSON = 2**28


class OpenFile:
    """Reads bytes at a place, without a position that could be shared.

    A copy in another process opens the file itself. Asking for more than
    there is raises before anything is allocated.

    Args:
        path: The file.
        keep: Whether it stays open between reads; a set of a thousand files
            would be more than a process may open.

    Attributes:
        size: int, bytes.
    """

    def __init__(self, path: "str | os.PathLike", keep: bool = True) -> None:
        self.path = Path(path)
        self.keep = keep
        self.closed = False
        self._file: Any = None
        try:
            there = os.stat(self.path)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"There is no file '{self.path}'. Check its name."
            ) from None
        if not stat.S_ISREG(there.st_mode):
            raise ValueError(f"'{self.path}' is not a file.")
        self.size = there.st_size
        if keep:
            self._file = self._open()

    def _open(self) -> Any:
        try:
            return open(self.path, "rb", buffering=0)
        except PermissionError:
            raise PermissionError(
                f"'{self.path}' may not be read. Give yourself the right to."
            ) from None

    def read(self, place: int, count: int) -> bytes:
        """Returns `count` bytes from byte `place` on.

        Raises:
            ValueError: If the file ends before, or is closed.
        """
        if count < 0 or place < 0 or place + count > self.size:
            raise self.damaged(
                place,
                f"{count} bytes should be here, the file has {self.size}",
            )
        if self.closed:
            raise ValueError(f"'{self.path}' is closed. Open it again.")
        file = self._file
        if file is not None:
            return self._read(file, place, count)
        with self._open() as file:
            return self._read(file, place, count)

    def _read(self, file: Any, place: int, count: int) -> bytes:
        data = os.pread(file.fileno(), count, place)
        while len(data) < count:
            # Linux gives 2 GiB at once at most.
            more = os.pread(file.fileno(), count - len(data), place + len(data))
            if not more:
                raise self.damaged(
                    place + len(data), "the file became shorter meanwhile"
                )
            data += more
        return data

    @contextlib.contextmanager
    def mapped(self) -> Iterator[Any]:
        """The whole file in memory, for a look at much of it."""
        if not self.size:
            raise ValueError(f"'{self.path}' is empty.")
        with self._open() as file:
            whole = mmap.mmap(file.fileno(), self.size, access=mmap.ACCESS_READ)
        try:
            yield whole
        finally:
            # An array that an error still shows keeps the map, until both go.
            with contextlib.suppress(BufferError):
                whole.close()

    def damaged(self, place: int, why: str) -> ValueError:
        """The error of what is not as the format wants it."""
        return ValueError(
            f"'{self.path}' is damaged at byte {place}: {why}. Get the file "
            "again, or make it again."
        )

    def close(self) -> None:
        """Closes it; what is read now raises."""
        self.closed = True
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def __del__(self) -> None:
        if getattr(self, "_file", None) is not None:
            self._file.close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_file": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        size = os.stat(self.path).st_size
        if size != self.size:
            raise ValueError(
                f"'{self.path}' has changed since it was opened. Open it again."
            )
        if self.keep and not self.closed:
            self._file = self._open()


def read_json(path: Path, kind: type) -> Any:
    """A small JSON file that holds a dict or a list.

    Raises:
        ValueError: If it holds something else, or is damaged.
    """
    file = OpenFile(path, keep=False)
    if file.size > LARGEST_JSON:
        raise ValueError(f"'{path}' has {file.size} bytes, too many.")
    try:
        found = json.loads(file.read(0, file.size))
    except (ValueError, RecursionError) as error:
        place = getattr(error, "pos", getattr(error, "start", 0))
        raise file.damaged(place, "expected JSON") from None
    if not isinstance(found, kind):
        raise file.damaged(0, f"expected JSON of a {kind.__name__}")
    return found
