"""MXNet's RecordIO files of faces, as InsightFace and im2rec write them."""

import os
from pathlib import Path

import numpy as np

from keras_hypersphere.face_files.face_source import (
    FaceSource,
    number_classes,
)
from keras_hypersphere.face_files.open_file import OpenFile, read_json
from keras_hypersphere.face_files.record_headers import (
    Header,
    headers,
    split,
)
from keras_hypersphere.face_files.record_io import find_records, read_index

# What `write_faces_rec` keeps the class names in.
CLASSES = ".classes.json"
# Whole numbers up to here are exact as float32.
EXACT = 2**24


class RecordSource(FaceSource):
    """Photos in a `.rec` file, with its `.idx` or without.

    InsightFace's layout: photos have keys 1 to N - 1, one record an identity
    says which keys are its own, and record 0 counts both. In any other file
    (im2rec) all records are photos. Photos are in the order of their keys,
    and their names are these. Classes are named by their number, or by
    `NAME.classes.json`, a list with a name for each number.

    Without an `.idx` the file is walked once; a record's key is the id in
    its header, or its number where ids repeat.
    """

    def __init__(self, path: "str | os.PathLike") -> None:
        super().__init__(path, "RecordIO")
        self._file = OpenFile(self.path)
        index = self.path.with_suffix(".idx")
        if not self._file.size:
            raise ValueError(f"'{self.path}' is empty.")
        if index.is_file():
            keys, places = read_index(index)
            self._check(index, places)
        else:
            places, _ = find_records(self._file)
            keys = headers(self._file, places)["id"].astype(np.int64)
            order = np.argsort(keys, kind="stable")
            if (np.diff(keys[order]) == 0).any():
                order = keys = np.arange(len(places))
            keys, places = keys[order], places[order]
        # Photos of each identity: (first key, key after the last).
        self._ranges: np.ndarray | None = None
        self._keys, self._places = self._photos(keys, places)
        if not len(self._keys):
            raise ValueError(f"'{self.path}' has no photos.")

    def _check(self, index: Path, places: np.ndarray) -> None:
        outside = places >= self._file.size
        if outside.any():
            raise self._file.damaged(
                self._file.size,
                f"'{index}' has a record at byte {places[outside].min()}, and "
                "the file ends here",
            )
        if len(places):
            # Cut off, it would be the last.
            split(self._file, int(places.max()))

    def _photos(
        self, keys: np.ndarray, places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Keys and places without the records that are no photos."""
        if not len(keys) or keys[0]:
            return keys, places
        zero, _ = split(self._file, int(places[0]))
        if zero.flag < 2 or zero.length:
            return keys, places
        self.kind = "RecordIO, InsightFace's layout"
        identities, end = self._counts(zero, int(places[0]))
        if end > EXACT:
            # float32 has rounded all these numbers: headers tell.
            found = headers(self._file, places)
            photos = (found["flag"] != 2) | (found["length"] > 0)
            return keys[photos], places[photos]
        photos = (keys > 0) & (keys < identities)
        if photos.sum() != identities - 1:
            raise self._file.damaged(
                int(places[0]),
                f"the record with key 0 counts {identities - 1} photos, the "
                f"index has {photos.sum()}",
            )
        last = int(places[photos][-1]) if photos.any() else 0
        if photos.any() and not split(self._file, last)[0].length:
            raise self._file.damaged(
                last,
                f"the record with key {identities - 1} has no photo, and the "
                f"one with key 0 counts {identities - 1}",
            )
        owners = (keys >= identities) & (keys < end)
        if owners.sum() != end - identities:
            raise self._file.damaged(
                int(places[0]),
                f"the record with key 0 counts {end - identities} identities, "
                f"the index has {owners.sum()}",
            )
        self._ranges = self._keys_of(places[owners], identities)
        return keys[photos], places[photos]

    def _counts(self, zero: Header, place: int) -> tuple[int, int]:
        first, last = zero.labels
        if not (1 <= first <= last and first % 1 == last % 1 == 0):
            raise self._file.damaged(
                place,
                f"the record with key 0 counts from {first:g} to {last:g}",
            )
        return int(first), int(last)

    def _keys_of(self, places: np.ndarray, end: int) -> np.ndarray:
        """First key and key after the last of each identity's record."""
        found = headers(self._file, places)
        ranges = np.stack([found["label"], found["second"]], axis=1)
        with np.errstate(invalid="ignore"):
            right = (found["flag"] >= 2) & (ranges % 1 == 0).all(axis=1)
            right &= (ranges[:, 0] >= 1) & (ranges[:, 0] <= ranges[:, 1])
            right &= ranges[:, 1] <= end
        if not right.all():
            wrong = int(np.flatnonzero(~right)[0])
            first, last = ranges[wrong]
            raise self._file.damaged(
                int(places[wrong]),
                "the record of an identity should give its first key and the "
                f"key after its last, up to {end}. Received: {first:g}, "
                f"{last:g}",
            )
        return ranges.astype(np.int64)

    def __len__(self) -> int:
        return len(self._keys)

    def _name(self, index: int) -> str:
        return str(self._keys[index])

    def _read(self, index: int) -> bytes:
        return split(self._file, int(self._places[index]))[1]

    def _classes(self) -> tuple[np.ndarray, list[str]]:
        labels, numbers = number_classes(self._values())
        path = self.path.with_suffix(CLASSES)
        if not path.exists():
            return labels, numbers
        names = read_json(path, list)
        if int(numbers[-1]) >= len(names):
            raise ValueError(
                f"'{path}' names {len(names)} classes, and '{self.path}' has "
                f"the class {numbers[-1]}. Remove the list, or make it again."
            )
        return labels, [str(names[int(number)]) for number in numbers]

    def _values(self) -> np.ndarray:
        """The label of each photo, as it is written."""
        everyone = np.arange(len(self))
        if self._ranges is None:
            return self._labels_at(everyone)
        # The label of an identity is that of its first and last photo: the
        # headers of the others need not be read.
        ranges = self._ranges[self._ranges[:, 0] < self._ranges[:, 1]]
        first, last = ranges[:, 0] - 1, ranges[:, 1] - 2
        label = self._labels_at(first)
        counts = last - first + 1
        ends = np.cumsum(counts)
        if not (
            np.array_equal(label, self._labels_at(last))
            and counts.sum() == len(self)
        ):
            return self._labels_at(everyone)
        rows = everyone + np.repeat(first - (ends - counts), counts)
        if not np.array_equal(np.sort(rows), everyone):
            return self._labels_at(everyone)
        values = np.empty(len(self), np.int64)
        values[rows] = np.repeat(label, counts)
        return values

    def _labels_at(self, rows: np.ndarray) -> np.ndarray:
        labels = headers(self._file, self._places[rows])["label"]
        # At 2 ** 24 float32 begins to give two people one number.
        with np.errstate(invalid="ignore"):
            wrong = ~((labels >= 0) & (labels < EXACT) & (labels % 1 == 0))
        if wrong.any():
            row = rows[wrong][0]
            raise ValueError(
                f"'{self.path}': the record with key {self._keys[row]} at byte "
                f"{self._places[row]} has the label {labels[wrong][0]:g}; "
                f"expected a whole number from 0 to {EXACT - 1}."
            )
        return labels.astype(np.int64)

    def close(self) -> None:
        """Closes the file."""
        super().close()
        self._file.close()
