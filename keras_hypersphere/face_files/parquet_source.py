"""Parquet files with photos in them."""

import collections
import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_hypersphere.face_files.columns import (
    columns_of,
    pyarrow,
    require_same,
    touch_names,
)
from keras_hypersphere.face_files.open_file import OpenFile
from keras_hypersphere.face_files.table_source import TableSource, inner_of

MAGIC = b"PAR1"
FOOTER = struct.Struct("<I4s")
# Row groups that are kept unpacked, and how large one may be.
KEPT = 4
LARGEST = 2**31


class ParquetSource(TableSource):
    """Photos of Parquet files, such as those of the Hugging Face hub.

    A row group is unpacked as a whole, and the last few are kept: photos
    that are read in their order cost little, in random order much.
    """

    def __init__(
        self, path: "str | os.PathLike", files: "list[Path] | None" = None
    ) -> None:
        super().__init__(path, "Parquet")
        self._tables = files or [self.path]
        self._start()
        groups = []
        # Which row group of which file a group is.
        self._groups: list[tuple[int, int]] = []
        for number, file in enumerate(self._tables):
            metadata = self._readers[number].metadata
            for row_group in range(metadata.num_row_groups):
                rows = metadata.row_group(row_group).num_rows
                if rows < 0:
                    opened = OpenFile(file, keep=False)
                    raise opened.damaged(
                        footer_of(opened), f"a row group of {rows} rows"
                    )
                self._groups.append((number, row_group))
                groups.append((file, rows))
        self._set_groups(groups)
        self.columns = columns_of(self.path, self._readers[0].schema_arrow, {})
        for file, reader in zip(self._tables, self._readers, strict=True):
            require_same(
                self._tables[0], self.columns, file, reader.schema_arrow
            )

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._kept: collections.OrderedDict[int, Any] = (
            collections.OrderedDict()
        )
        self._readers = [open_parquet(file) for file in self._tables]

    def _photos(self, group: int) -> Any:
        # A reader has one position.
        with self._lock:
            if group not in self._kept:
                number, row_group = self._groups[group]
                self._require_small(number, row_group)
                array = self._unpack(number, row_group, self.columns.image)
                if len(self._kept) >= KEPT:
                    self._kept.popitem(last=False)
                self._kept[group] = array
            self._kept.move_to_end(group)
            return self._kept[group]

    def _unpack(self, number: int, row_group: int, column: str) -> Any:
        library = pyarrow()
        try:
            table = self._readers[number].read_row_group(
                row_group, columns=[column], use_threads=False
            )
            # Texts that are no UTF-8, and offsets that lead elsewhere.
            table.validate(full=True)
            metadata = self._readers[number].metadata
            rows = metadata.row_group(row_group).num_rows
            if table.num_rows != rows:
                raise ValueError(f"{table.num_rows} rows of {rows}")
        except (library.ArrowException, OSError, ValueError) as error:
            file = OpenFile(self._tables[number], keep=False)
            # Where its pages are, pyarrow tells of sound files only: it ends
            # the process in others.
            end = footer_of(file)
            why = " ".join(str(error).split())[:150]
            raise file.damaged(
                len(MAGIC),
                f"row group {row_group}, between here and byte {end}, cannot "
                f"be unpacked ({why})",
            ) from None
        return table.column(0) if table.num_columns else None

    def _require_small(self, number: int, row_group: int) -> None:
        metadata = self._readers[number].metadata.row_group(row_group)
        size = metadata.total_byte_size
        if size > LARGEST:
            raise ValueError(
                f"'{self._tables[number]}': row group {row_group} has {size} "
                "bytes, which would all be unpacked for one photo. Write it "
                "again with `row_group_size=100`."
            )

    def _column(self, name: str) -> Iterator[Any]:
        _, _, inner = name.partition(".")
        for number, row_group in self._groups:
            with self._lock:
                column = self._unpack(number, row_group, name)
            if column is None:
                return
            for array in column.chunks:
                yield inner_of(array, inner) if inner else array

    def close(self) -> None:
        """Closes the files."""
        super().close()
        self._kept.clear()
        for reader in self._readers:
            reader.close()

    def __getstate__(self) -> dict[str, Any]:
        # A lock and open files stay here.
        left: dict[str, Any] = {"_lock": None, "_kept": None, "_readers": []}
        return {**self.__dict__, **left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not self._closed:
            self._start()


def open_parquet(path: Path) -> Any:
    """A reader, after a look at the ends of the file.

    Raises:
        ValueError: If the file is cut off, or damaged.
    """
    file = OpenFile(path, keep=False)
    begin = footer_of(file)
    library = pyarrow()
    try:
        reader = library.parquet.ParquetFile(path)
        # Names that are no UTF-8 raise only now.
        touch_names(reader.schema_arrow)
        return reader
    except (library.ArrowException, OSError, ValueError) as error:
        why = " ".join(str(error).split())[:150]
        raise file.damaged(
            begin, f"what it says about its columns is wrong ({why})"
        ) from None


def footer_of(file: OpenFile) -> int:
    """Where a file begins to describe its columns, at its end."""
    least = len(MAGIC) + FOOTER.size
    if file.size < least or file.read(0, 4) != MAGIC:
        raise file.damaged(0, "expected a Parquet file, which begins with PAR1")
    end = file.size - FOOTER.size
    length, magic = FOOTER.unpack(file.read(end, FOOTER.size))
    if magic != MAGIC or length + least > file.size:
        raise file.damaged(
            end, "the file is cut off: its end says nothing about its columns"
        )
    return end - length
