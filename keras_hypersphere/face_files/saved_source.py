"""Data sets that Hugging Face's `save_to_disk` wrote."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keras_hypersphere.face_files.columns import (
    columns_of,
    pyarrow,
    require_same,
    touch_names,
)
from keras_hypersphere.face_files.open_file import OpenFile, read_json
from keras_hypersphere.face_files.table_source import TableSource, inner_of

STATE, SPLITS = "state.json", "dataset_dict.json"


class SavedSource(TableSource):
    """Photos of Arrow files that are mapped, not loaded.

    Args:
        path: A folder with `state.json`, or one `.arrow` file.
    """

    def __init__(self, path: "str | os.PathLike") -> None:
        super().__init__(path, "saved Hugging Face data set")
        features: dict[str, Any] = {}
        files = [self.path]
        if self.path.is_dir():
            state = read_json(self.path / STATE, dict)
            if state.get("_indices_data_files") or state.get("_indices_files"):
                raise ValueError(
                    f"'{self.path}' is a choice of rows of another table. "
                    "Save it again after `flatten_indices()`."
                )
            files = [self.path / name for name in data_files(self.path, state)]
            info = self.path / "dataset_info.json"
            found = (
                read_json(info, dict).get("features") if info.exists() else {}
            )
            features = found if isinstance(found, dict) else {}
        self._tables = files
        self._load()
        self.columns = columns_of(self.path, self._batches[0].schema, features)
        for file, batch in zip(self._files, self._batches, strict=True):
            require_same(self._files[0], self.columns, file, batch.schema)

    def _load(self) -> None:
        self._batches = []
        groups = []
        for file in self._tables:
            for batch in read_batches(file):
                self._batches.append(batch)
                groups.append((file, batch.num_rows))
        self._set_groups(groups)

    def _photos(self, group: int) -> Any:
        return self._batches[group].column(self.columns.image)

    def _column(self, name: str) -> Iterator[Any]:
        name, _, inner = name.partition(".")
        for batch in self._batches:
            array = batch.column(name)
            if inner:
                array = inner_of(array, inner)
                if array is None:
                    return
            yield array

    def close(self) -> None:
        """Lets the mapped files go."""
        super().close()
        self._batches = []

    def __getstate__(self) -> dict[str, Any]:
        # Batches would travel with all their photos.
        return {**self.__dict__, "_batches": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not self._closed:
            self._load()


def data_files(folder: Path, state: dict[str, Any]) -> list[str]:
    """The names of the Arrow files in `state.json`."""
    try:
        names = [file["filename"] for file in state["_data_files"]]
    except (KeyError, TypeError):
        names = []
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"'{folder / STATE}' names no data files.")
    return names


def read_batches(path: Path) -> Iterator[Any]:
    """The batches of an Arrow stream, whose numbers are checked.

    Raises:
        ValueError: If the file is damaged.
    """
    file = OpenFile(path, keep=False)
    library = pyarrow()
    place = 0
    try:
        mapped = library.memory_map(str(path))
        stream = library.ipc.open_stream(mapped)
        # Names that are no UTF-8 raise only now.
        touch_names(stream.schema)
        while True:
            place = mapped.tell()
            try:
                batch = stream.read_next_batch()
            except StopIteration:
                return
            # Offsets that lead elsewhere would be read as they are.
            batch.validate(full=True)
            yield batch
    except (library.ArrowException, OSError, ValueError) as error:
        why = " ".join(str(error).split())[:150]
        raise file.damaged(
            place, f"expected a part of an Arrow stream ({why})"
        ) from None
