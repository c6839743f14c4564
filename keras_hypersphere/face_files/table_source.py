"""Photos in tables: what Parquet files and saved data sets share."""

import abc
import functools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_hypersphere.face_files.columns import Columns, pyarrow
from keras_hypersphere.face_files.face_source import (
    FaceSource,
    number_classes,
    number_texts,
)
from keras_hypersphere.face_files.open_file import OpenFile
from keras_hypersphere.face_files.photo_file import file_bytes
from keras_hypersphere.face_files.texts import Texts


class TableSource(FaceSource):
    """Photos in groups of rows, one group after the other.

    A photo is a struct of `bytes` and `path`, as Hugging Face's `Image`
    feature writes it, or bytes, or the path of a file. Its name is its
    path, or its file and row where it has none.
    """

    columns: Columns

    def __init__(self, path: "str | os.PathLike", kind: str) -> None:
        super().__init__(path, kind)
        # File of each group, and photos before it.
        self._files: list[Path] = []
        self._before = np.zeros(1, np.int64)

    def _set_groups(self, groups: list[tuple[Path, int]]) -> None:
        self._files = [file for file, _ in groups]
        self._before = np.cumsum([0, *(rows for _, rows in groups)])
        if not len(self):
            raise ValueError(f"'{self.path}' has no photos.")

    @abc.abstractmethod
    def _photos(self, group: int) -> Any:
        """The photos of a group as an array of pyarrow."""

    @abc.abstractmethod
    def _column(self, name: str) -> Iterator[Any]:
        """A column, or a field of one (`image.path`), array by array."""

    def __len__(self) -> int:
        return int(self._before[-1])

    def _group(self, index: int) -> tuple[int, int]:
        """The group of a photo, and its row there."""
        group = int(np.searchsorted(self._before, index, "right")) - 1
        return group, index - int(self._before[group])

    def _read(self, index: int) -> bytes:
        group, row = self._group(index)
        try:
            photo = self._photos(group)[row].as_py()
        except UnicodeDecodeError as error:
            raise OpenFile(self._files[group], keep=False).damaged(
                0, f"the path of a photo is no UTF-8 ({error.reason})"
            ) from None
        data, path = (
            (photo.get("bytes"), photo.get("path"))
            if isinstance(photo, dict)
            else (photo, None)
        )
        if isinstance(data, str):
            data, path = None, data
        if data is None and path:
            return file_bytes(self._files[group].parent / path)
        if not isinstance(data, bytes):
            raise ValueError(
                f"'{self._files[group]}': row {self._in_file(index)} has no "
                f"photo in the column '{self.columns.image}'."
            )
        return data

    def _in_file(self, index: int) -> int:
        """The row of a photo in its file."""
        group, _ = self._group(index)
        return index - int(self._before[self._files.index(self._files[group])])

    @functools.cached_property
    def _paths(self) -> Texts:
        return Texts(
            str(path or "").encode("utf-8", "replace")
            for array in self._column(f"{self.columns.image}.path")
            for path in array.to_pylist()
        )

    def _name(self, index: int) -> str:
        paths = self._paths
        # A column of bytes alone has none.
        name = paths[index] if len(paths) == len(self) else ""
        group, _ = self._group(index)
        return name or f"{self._files[group].name}:{self._in_file(index)}"

    def _classes(self) -> tuple[np.ndarray, list[str]]:
        library = pyarrow()
        label = self.columns.label
        whole = library.chunked_array(self._alike(self._column(label)))
        if whole.null_count:
            row = next(
                index for index, value in enumerate(whole) if not value.is_valid
            )
            raise self._unlabelled(row, "nothing")
        types = library.types
        if types.is_string(whole.type) or types.is_large_string(whole.type):
            return number_texts(whole.to_pylist())
        if not types.is_integer(whole.type):
            raise ValueError(
                f"'{self.path}': the column '{label}' holds {whole.type}; "
                "expected whole numbers or texts."
            )
        values = whole.to_numpy()
        names = self.columns.class_names
        wrong = values < 0
        if names is not None:
            wrong |= values >= len(names)
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise self._unlabelled(row, str(values[row]))
        labels, numbers = number_classes(values)
        if names is not None:
            numbers = [names[int(number)] for number in numbers]
        return labels, numbers

    def _alike(self, arrays: Iterable[Any]) -> list[Any]:
        """Classes without dictionaries, which may hold nulls, in one type."""
        types = pyarrow().types
        plain = [
            array.dictionary_decode()
            if types.is_dictionary(array.type)
            else array
            for array in arrays
        ]
        kinds = list(dict.fromkeys(array.type for array in plain))
        if len(kinds) < 2:
            return plain
        # Each file, or each split, chooses the width of its own.
        if all(map(types.is_integer, kinds)):
            wide = "int64"
        elif all(types.is_string(k) or types.is_large_string(k) for k in kinds):
            wide = "large_string"
        else:
            raise self._mixed(kinds)
        try:
            return [array.cast(wide) for array in plain]
        except pyarrow().ArrowException:
            raise self._mixed(kinds) from None

    def _mixed(self, kinds: list[Any]) -> ValueError:
        return ValueError(
            f"'{self.path}': the column '{self.columns.label}' holds "
            f"{' and '.join(map(str, kinds))}; expected one type in all files. "
            "Convert it with `cast_column` of datasets."
        )

    def _unlabelled(self, row: int, label: str) -> ValueError:
        group, _ = self._group(row)
        return ValueError(
            f"'{self._files[group]}': row {self._in_file(row)} has {label} as "
            f"its '{self.columns.label}'; expected a class. Leave out photos "
            "without one."
        )


def inner_of(array: Any, name: str) -> Any:
    """A field of an array of structs; None without one."""
    structs = pyarrow().types.is_struct(array.type)
    if not structs or array.type.get_field_index(name) < 0:
        return None
    return array.field(name)
