"""TFRecord files of `tf.train.Example`, read without TensorFlow."""

import array
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from keras_hypersphere.face_files import example
from keras_hypersphere.face_files.crc32c import crc32c, masked, of_lengths
from keras_hypersphere.face_files.face_source import (
    FaceSource,
    number_classes,
    number_texts,
)
from keras_hypersphere.face_files.open_file import OpenFile
from keras_hypersphere.face_files.protobuf_fields import FieldError, Messages
from keras_hypersphere.face_files.texts import shown

# Length of the data, masked CRC of the length; the data; its masked CRC.
HEAD = struct.Struct("<QI")
CRC = struct.Struct("<I")
# What data sets of faces and of images call them.
IMAGES = (b"image_raw", b"image/encoded", b"image", b"jpeg", b"img")
LABELS = (b"label", b"image/class/label", b"labels", b"class", b"identity")
# More files than this are opened for each read.
KEPT_OPEN = 100
AT_ONCE = 2**16


class TfrecordSource(FaceSource):
    """Photos in TFRecord files, in the order of names and records.

    The checksum of each length is compared when the file is opened, that of
    the data when a photo is read. The name of a photo is that of its file
    and its number in it, from 0.
    """

    def __init__(
        self, path: "str | os.PathLike", files: "list[Path] | None" = None
    ) -> None:
        super().__init__(path, "TFRecord")
        files = files or [self.path]
        self._files = [
            OpenFile(file, keep=len(files) <= KEPT_OPEN) for file in files
        ]
        found = [find_examples(file) for file in self._files]
        # Photos before each file.
        self._before = np.cumsum([0, *(len(starts) for starts, _ in found)])
        self._starts = np.concatenate([starts for starts, _ in found])
        self._lengths = np.concatenate([lengths for _, lengths in found])
        if not len(self):
            raise ValueError(f"'{self.path}' has no photos.")
        features = self._features(0)[1]
        self._image = self._key(IMAGES, features, "an image")
        self._label = self._key(LABELS, features, "a label")

    def _key(
        self,
        known: tuple[bytes, ...],
        features: dict[bytes, tuple[int, int]],
        what: str,
    ) -> bytes:
        for name in known:
            if name in features:
                return name
        raise ValueError(
            f"'{self._files[0].path}' has no feature of {what}. Expected one "
            f"of {', '.join(name.decode() for name in known)}. Received: "
            + (
                ", ".join(shown(name) for name in sorted(features)[:10])
                or "none"
            )
            + "."
        )

    def __len__(self) -> int:
        return len(self._starts)

    def _place(self, index: int) -> tuple[OpenFile, int]:
        """The file of a photo, and its number in it."""
        number = int(np.searchsorted(self._before, index, "right")) - 1
        return self._files[number], index - int(self._before[number])

    def _name(self, index: int) -> str:
        file, number = self._place(index)
        return f"{file.path.name}:{number}"

    def _features(self, index: int) -> tuple[bytes, dict]:
        """The data of a record, checked, and where its features are."""
        file, _ = self._place(index)
        start, length = int(self._starts[index]), int(self._lengths[index])
        data = file.read(start, length + CRC.size)
        (crc,) = CRC.unpack_from(data, length)
        if masked(crc32c(memoryview(data)[:length])) != crc:
            raise file.damaged(start, f"the checksum of {length} bytes differs")
        try:
            return data, example.features_of(data, 0, length)
        except FieldError as error:
            raise file.damaged(start + error.place, error.why) from None

    def _text(self, index: int, name: bytes) -> bytes | None:
        """A feature that holds bytes; None if it does not."""
        data, features = self._features(index)
        try:
            return example.text_of(data, *features.get(name, (0, 0)))
        except FieldError as error:
            file, _ = self._place(index)
            place = int(self._starts[index]) + error.place
            raise file.damaged(place, error.why) from None

    def _read(self, index: int) -> bytes:
        image = self._text(index, self._image)
        if image is None:
            raise self._without(index, self._image)
        return image

    def _without(self, index: int, name: bytes) -> ValueError:
        return ValueError(
            f"'{self._place(index)[0].path}': the record at byte "
            f"{self._starts[index]} has no bytes in its feature "
            f"'{name.decode()}'."
        )

    def _names_of_people(self) -> Iterator[str]:
        for index in range(len(self)):
            text = self._text(index, self._label)
            if text is None:
                raise self._without(index, self._label)
            yield text.decode("utf-8", "replace")

    def _classes(self) -> tuple[np.ndarray, list[str]]:
        if self._text(0, self._label) is not None:
            return number_texts(self._names_of_people())
        values = np.empty(len(self))
        for number, file in enumerate(self._files):
            begin, end = self._before[number : number + 2]
            with file.mapped() as mapped:
                whole = np.frombuffer(mapped, np.uint8)
                for first in range(begin, end, AT_ONCE):
                    rows = slice(first, min(first + AT_ONCE, end))
                    starts = self._starts[rows]
                    messages = Messages(
                        whole, starts, starts + self._lengths[rows]
                    )
                    try:
                        feature = example.features_named(messages, self._label)
                        values[rows] = example.first_numbers(feature)
                    except FieldError as error:
                        raise file.damaged(error.place, error.why) from None
                del whole
        with np.errstate(invalid="ignore"):
            wrong = ~((values >= 0) & (values < 2**53) & (values % 1 == 0))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise ValueError(
                f"'{self._place(row)[0].path}': the record at byte "
                f"{self._starts[row]} has the label {values[row]:g}; expected "
                "a whole number of at least 0."
            )
        return number_classes(values.astype(np.int64))

    def close(self) -> None:
        """Closes the files."""
        super().close()
        for file in self._files:
            file.close()


def find_examples(file: OpenFile) -> tuple[np.ndarray, np.ndarray]:
    """Where the data of each record begins, and its length.

    Raises:
        ValueError: If the file is cut off, or a length is damaged.
    """
    starts, lengths = array.array("q"), array.array("q")
    place, late = 0, None
    if not file.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    with file.mapped() as data:
        if data[:2] == b"\x1f\x8b":
            raise ValueError(
                f"'{file.path}' is compressed with gzip, whose records cannot "
                "be read one by one. Unpack it with `gunzip`."
            )
        while place < file.size:
            if file.size - place < HEAD.size:
                late = place, "half a length is here"
                break
            length, _ = HEAD.unpack_from(data, place)
            if place + HEAD.size + length + CRC.size > file.size:
                late = (
                    place,
                    f"a record of {length} bytes begins here, and the file "
                    f"ends at byte {file.size}",
                )
                # Its own checksum tells whether the length is wrong.
                length = 0
            starts.append(place + HEAD.size)
            lengths.append(length)
            if late:
                break
            place += HEAD.size + length + CRC.size
        found = np.frombuffer(starts, np.int64).copy()
        check_lengths(file, np.frombuffer(data, np.uint8), found)
    if late:
        raise file.damaged(*late)
    return found, np.frombuffer(lengths, np.int64).copy()


def check_lengths(file: OpenFile, data: np.ndarray, starts: np.ndarray) -> None:
    """Compares the checksums of all lengths."""
    for begin in range(0, len(starts), AT_ONCE):
        places = starts[begin : begin + AT_ONCE] - HEAD.size
        heads = data[places[:, None] + np.arange(HEAD.size)]
        crc = of_lengths(heads[:, :8]).astype(np.uint64)
        stored = heads[:, 8:].copy().view("<u4")[:, 0]
        wrong = masked(crc) != stored
        if wrong.any():
            raise file.damaged(
                int(places[wrong][0]),
                "no record of TFRecord begins here: the checksum of its "
                "length differs",
            )
