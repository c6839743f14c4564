"""Where many photos lie: a local folder, or what pyarrow reads by URI."""

import abc
import contextlib
import dataclasses
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_hypersphere.face_files.photo_folders import (
    CROPS,
    NO_FOLDERS,
    STARTS,
    SUFFIXES,
    THUMBNAILS,
    UNREADABLE,
    find,
)
from keras_hypersphere.zoo.faces.photo_list import Named


@dataclasses.dataclass(frozen=True)
class Listed:
    """A photo as a listing shows it; together they tell a changed one.

    Args:
        path: Below the folder, with slashes.
        size: Bytes; -1 if it cannot be looked at.
        changed: When, in nanoseconds.
    """

    path: str
    size: int
    changed: int


class PhotoSource(abc.ABC):
    """A folder of photos. It is pickled as its name.

    Args:
        folder: As the user names it.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    @abc.abstractmethod
    def listed(self, crops: bool) -> Iterator[Listed]:
        """Yields the photos, always in the same order.

        Raises:
            OSError: If a folder cannot be read.
        """

    @abc.abstractmethod
    def named(self, path: str) -> Named:
        """A photo's name in messages, and what `images.read` takes."""


class LocalPhotos(PhotoSource):
    """Photos of a local folder: those of `images.files_in`."""

    def __init__(self, folder: str) -> None:
        # Worker processes are elsewhere.
        super().__init__(os.path.abspath(folder))

    def listed(self, crops: bool) -> Iterator[Listed]:
        found = find(self.folder, crops)
        for place, why in found.left_out.items():
            # Its photos would seem to be gone, and lose their rows.
            if place.is_dir():
                raise OSError(why)
        for photo in sorted([*found.photos, *found.left_out]):
            # Where a photo has gone since, its shard will say so.
            size, changed = -1 if photo in found.left_out else 0, 0
            with contextlib.suppress(OSError):
                there = photo.stat()
                if stat.S_ISREG(there.st_mode):
                    size, changed = there.st_size, there.st_mtime_ns
            path = photo.relative_to(self.folder).as_posix()
            yield Listed(path, size, changed)

    def named(self, path: str) -> Named:
        return path, Path(self.folder, path)


class RemotePhotos(PhotoSource):
    """Photos below a URI, such as `s3://bucket/photos`.

    They are chosen by the rules of `images.files_in`, and listed folder by
    folder, so that the names of one folder are in memory.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(folder.rstrip("/"))
        self._opened: tuple[Any, str] | None = None

    def __getstate__(self) -> dict:
        return {**vars(self), "_opened": None}

    @property
    def opened(self) -> tuple[Any, str]:
        """pyarrow's file system, and the path in it."""
        if self._opened is None:
            from pyarrow.fs import FileSystem

            self._opened = FileSystem.from_uri(self.folder)
        return self._opened

    def listed(self, crops: bool) -> Iterator[Listed]:
        root = self.opened[1].rstrip("/")
        for entry in self.below(root, crops, top=True):
            path = entry.path[len(root) :].lstrip("/")
            yield Listed(path, entry.size or 0, entry.mtime_ns or 0)

    def below(self, folder: str, crops: bool, top: bool) -> Iterator[Any]:
        """The files of a folder and of those in it, by name."""
        from pyarrow.fs import FileSelector, FileType

        system, _ = self.opened
        entries = system.get_file_info(FileSelector(folder))
        names = {entry.base_name for entry in entries}
        if CROPS in names and not (crops or top):
            return
        for entry in sorted(entries, key=lambda entry: entry.base_name):
            name = entry.base_name
            if name.startswith("."):
                continue
            if entry.type == FileType.Directory:
                if name.lower() not in NO_FOLDERS:
                    yield from self.below(entry.path, crops, top=False)
            elif entry.type == FileType.File and self.is_meant(entry):
                yield entry

    def is_meant(self, entry: Any) -> bool:
        """Whether a file is meant to be a photo: by suffix, or its start."""
        suffix = Path(entry.base_name).suffix.lower()
        if suffix:
            return suffix in SUFFIXES + UNREADABLE and not (
                entry.base_name.lower().startswith(THUMBNAILS)
            )
        with self.opened[0].open_input_file(entry.path) as file:
            return file.read(8).startswith(STARTS)

    def named(self, path: str) -> Named:
        photo: Any = RemotePhoto(self, path)
        return path, photo


class RemotePhoto:
    """A photo that is fetched whole when it is read, by a thread that waits.

    Args:
        source: Where it is.
        path: Its path below that.
    """

    def __init__(self, source: RemotePhotos, path: str) -> None:
        self.source = source
        self.path = path

    def read(self) -> bytes:
        """The whole of it."""
        system, root = self.source.opened
        with system.open_input_file(f"{root.rstrip('/')}/{self.path}") as file:
            return file.read()


def open_source(folder: str) -> PhotoSource:
    """The photos of a folder or URI.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it is none, or pyarrow does not know the URI.
    """
    if "://" not in folder:
        if not os.path.isdir(folder):
            raise FileNotFoundError(
                f"There is no folder '{folder}' of photos. Name a folder, or "
                "a URI such as s3://bucket/photos."
            )
        return LocalPhotos(folder)
    from pyarrow.fs import FileType
    from pyarrow.lib import ArrowInvalid

    source = RemotePhotos(folder)
    try:
        system, path = source.opened
        kind = system.get_file_info(path).type
    except ArrowInvalid as error:
        raise ValueError(f"'{folder}' cannot be read ({error}).") from None
    if kind != FileType.Directory:
        raise FileNotFoundError(
            f"There is no folder '{folder}' of photos. Check its name."
        )
    return source
