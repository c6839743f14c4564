"""The folder of shards: files that are there whole, or not at all."""

import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keras_hypersphere.atomic_write import atomic_write

# Readers of parquet folders pass over names that begin with "_" or ".".
RECORD = "_keras_hypersphere.json"
SHARD = re.compile(r"part-[0-9a-f]{32}\.parquet")
PART = re.compile(r"\.[0-9a-f]{16}\.part")


class ShardFolder:
    """A local folder or a URI that shards are written to.

    A local file is written under another name first; an object of a store
    such as S3 appears when its last byte has arrived. It is pickled as its
    name.

    Args:
        place: A folder, made if it is not there, or a URI.
    """

    def __init__(self, place: str) -> None:
        self.place = place if "://" in place else os.path.abspath(place)
        self._opened: tuple[Any, str] | None = None

    def __getstate__(self) -> dict:
        return {**vars(self), "_opened": None}

    @property
    def opened(self) -> tuple[Any, str]:
        """pyarrow's file system, and the path in it."""
        if self._opened is None:
            from pyarrow.fs import FileSystem, LocalFileSystem

            self._opened = (
                FileSystem.from_uri(self.place)
                if "://" in self.place
                else (LocalFileSystem(), self.place)
            )
        return self._opened

    @property
    def is_local(self) -> bool:
        """Whether its files are replaced as `atomic_write` does."""
        from pyarrow.fs import LocalFileSystem

        return isinstance(self.opened[0], LocalFileSystem)

    def make(self) -> None:
        """Makes the folder."""
        system, root = self.opened
        system.create_dir(root, recursive=True)

    def files(self) -> list[Any]:
        """What is in it, as pyarrow tells."""
        from pyarrow.fs import FileSelector

        system, root = self.opened
        return system.get_file_info(FileSelector(root, allow_not_found=True))

    def finished(self) -> set[str]:
        """The names of the shards that are there."""
        return {
            file.base_name
            for file in self.files()
            # A machine that lost its power leaves empty files.
            if SHARD.fullmatch(file.base_name) and file.size
        }

    def write(self, name: str, data: bytes) -> None:
        """Writes a file whole."""
        system, root = self.opened
        if self.is_local:
            with atomic_write(Path(root, name)) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        else:
            with system.open_output_stream(f"{root}/{name}") as stream:
                stream.write(data)

    def remove(self, names: Iterable[str]) -> None:
        """Removes files."""
        system, root = self.opened
        for name in names:
            system.delete_file(f"{root}/{name}")

    def remove_leftovers(self, begin: float) -> None:
        """Removes what killed processes left before a time."""
        self.remove(
            file.base_name
            for file in self.files()
            if PART.fullmatch(file.base_name) and file.mtime_ns < begin * 1e9
        )

    def record(self) -> dict | None:
        """What made the shards that are there; None: nothing is there."""
        system, root = self.opened
        names = {file.base_name for file in self.files()}
        if RECORD not in names:
            return None
        with system.open_input_stream(f"{root}/{RECORD}") as file:
            return json.loads(file.read())

    def write_record(self, made: dict) -> None:
        """Writes what makes them, and whether they are all there."""
        self.write(RECORD, (json.dumps(made, indent=2) + "\n").encode())
