"""A file of the user's that is opened once, however often it is read."""

import hashlib
import io
import os
import weakref
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from keras_hypersphere.caffe_format.contents import HEAD, kind
from keras_hypersphere.caffe_format.errors import CaffeFormatError

PIECE = 2**20


class SourceFile:
    """An open file, which may be used as its path.

    It can be read until the object is gone, also where its name has been
    deleted or given to another file since. A memory map would end the
    process where the file is cut, so it is read piece by piece.

    Args:
        path: The file.

    Attributes:
        path: As it was given, for errors.
        size: How many bytes it has.
    """

    def __init__(self, path: str | PathLike) -> None:
        self.path = os.fspath(path)
        self.stream: Any = open(path, "rb")  # noqa: SIM115  it stays open
        weakref.finalize(self, self.stream.close)
        if not self.stream.seekable():
            # A pipe: `<(sed … net.prototxt)`.
            self.stream = io.BytesIO(self.stream.read())
        self.stamp = self.look()
        self.size = self.stamp[0]

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return str(self.path)

    def look(self) -> tuple[int, int]:
        """Size and time, by which a file that is written over is known."""
        if isinstance(self.stream, io.BytesIO):
            return self.stream.getbuffer().nbytes, 0
        found = os.fstat(self.stream.fileno())
        return found.st_size, found.st_mtime_ns

    @cached_property
    def kind(self) -> str:
        """`"hdf5"`, `"binary"` or `"text"`, by the first bytes.

        Raises:
            CaffeFormatError: If it is no file of Caffe's.
        """
        self.stream.seek(0)
        return kind(self.stream.read(HEAD), self.path)

    def content(self) -> bytes:
        """All of it."""
        self.stream.seek(0)
        return self.stream.read()

    def array(self, dtype: str, start: int, stop: int) -> np.ndarray:
        """Numbers between two places.

        Raises:
            CaffeFormatError: If the file was written over after its opening.
        """
        made = np.empty((stop - start) // np.dtype(dtype).itemsize, dtype)
        self.stream.seek(start)
        if self.stream.readinto(made) != made.nbytes or (
            self.look() != self.stamp
        ):
            raise CaffeFormatError(
                "the file was cut off or written over while it was read"
            )
        return made

    def hash(self, algorithm: str, head: bytes = b"") -> str:
        """The hash of some bytes and the file, in hexadecimal."""
        total = hashlib.new(algorithm, head)
        self.stream.seek(0)
        while piece := self.stream.read(PIECE):
            total.update(piece)
        return total.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Name, size and SHA-256."""
        return {
            "name": Path(os.fsdecode(self.path)).name,
            "bytes": self.size,
            "sha256": self.hash("sha256"),
        }
