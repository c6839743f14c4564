"""Caffe's LMDB of Datum messages."""

import os
from pathlib import Path

import numpy as np

from keras_hypersphere.face_files import datum
from keras_hypersphere.face_files.face_source import (
    FaceSource,
    number_classes,
)
from keras_hypersphere.face_files.lmdb_pages import find_values
from keras_hypersphere.face_files.open_file import OpenFile
from keras_hypersphere.face_files.protobuf_fields import (
    FieldError,
    Messages,
)
from keras_hypersphere.face_files.texts import shown

AT_ONCE = 2**16


class LmdbSource(FaceSource):
    """Photos in an LMDB, as Caffe's `convert_imageset` writes it.

    Photos are in the order of their keys, which are their names. Planes of
    pixels become BMP files: nothing is lost, and any reader knows them.
    """

    def __init__(self, path: "str | os.PathLike") -> None:
        super().__init__(path, "LMDB")
        place = Path(path)
        if place.is_dir():
            place = place / "data.mdb"
        self._file = OpenFile(place)
        self._values = find_values(self._file)
        if not len(self):
            raise ValueError(f"'{place}' has no photos.")

    def __len__(self) -> int:
        return len(self._values.starts)

    def _name(self, index: int) -> str:
        return self._values.keys[index]

    def _read(self, index: int) -> bytes:
        start = int(self._values.starts[index])
        value = self._file.read(start, int(self._values.lengths[index]))
        try:
            return datum.image_of(value)
        except FieldError as error:
            raise self._file.damaged(
                start + error.place,
                f"{error.why} in '{shown(self._name(index))}'",
            ) from None

    def _classes(self) -> tuple[np.ndarray, list[str]]:
        labels = np.zeros(len(self), np.int64)
        starts = self._values.starts
        with self._file.mapped() as mapped:
            data = np.frombuffer(mapped, np.uint8)
            for begin in range(0, len(self), AT_ONCE):
                part = slice(begin, begin + AT_ONCE)
                begins = starts[part]
                ends = begins + self._values.lengths[part]
                messages = Messages(data, begins, ends)
                try:
                    labels[part] = datum.labels_of(messages)
                except FieldError as error:
                    raise self._file.damaged(error.place, error.why) from None
            del messages, data
        wrong = labels < 0
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"'{self._file.path}': '{shown(self._name(row))}' at byte "
                f"{starts[row]} has the label {labels[row]}; expected a whole "
                "number of at least 0."
            )
        return number_classes(labels)

    def close(self) -> None:
        """Closes the file."""
        super().close()
        self._file.close()
