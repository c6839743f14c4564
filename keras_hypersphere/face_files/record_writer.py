"""Writes photos as InsightFace's RecordIO, photo by photo, and goes on."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np

from keras_hypersphere.atomic_write import atomic_write, require_place
from keras_hypersphere.face_files.face_source import FaceSource
from keras_hypersphere.face_files.open_file import OpenFile
from keras_hypersphere.face_files.record_headers import HEADER, split
from keras_hypersphere.face_files.record_io import (
    LONGEST,
    find_records,
    write_record,
)
from keras_hypersphere.face_files.record_source import CLASSES, EXACT


class RecordWriter:
    """Appends photos to a `.rec` file, those of one class together.

    Photos go to `NAME.rec.part` first; `finish` makes `NAME.rec`,
    `NAME.idx`, `property` and `NAME.classes.json` (the class names, which the
    format has no place for). A writer for a part that is there already goes
    on after its last whole photo.

    Args:
        path: The `.rec` file to make.
        resume: Whether a part that is there is gone on with, or begun anew.

    Attributes:
        labels: list of ints, the class of each photo so far.
        places: list of ints, the byte that each begins at.
    """

    def __init__(self, path: "str | os.PathLike", resume: bool = True) -> None:
        self.path = Path(path)
        if self.path.suffix != ".rec":
            raise ValueError(
                f"`path` must end with .rec. Received: path='{path}'."
            )
        require_place(self.path)
        self.part = self.path.with_suffix(".rec.part")
        self.labels: list[int] = []
        self.places: list[int] = []
        self._seen: set[int] = set()
        if not resume:
            self.part.unlink(missing_ok=True)
        end = self._take_up()
        self._file: Any = self.part.open("r+b" if end else "wb")
        self._file.truncate(end)
        self._file.seek(end)
        self._end = end

    def _take_up(self) -> int:
        """Reads what a broken off writer left. Returns where it ends."""
        if not self.part.exists() or not self.part.stat().st_size:
            return 0
        file = OpenFile(self.part)
        places, end = find_records(file, whole=False)
        for place in places.tolist():
            header, _ = split(file, place)
            if header.flag or header.id != len(self) + 1:
                # Broken off in `finish`, which writes no photos; or zeros,
                # where the system itself was broken off.
                end = place
                break
            self._note(int(header.labels[0]), place)
        file.close()
        return end

    def _note(self, label: int, place: int) -> None:
        if self.labels and self.labels[-1] != label and label in self._seen:
            raise ValueError(
                f"Photos of class {label} must come together. Received: one "
                f"after a photo of class {self.labels[-1]}."
            )
        self.labels.append(label)
        self.places.append(place)
        self._seen.add(label)

    def __len__(self) -> int:
        return len(self.labels)

    def append(self, label: int, photo: bytes) -> None:
        """Adds the file of a photo.

        Raises:
            ValueError: If there are photos of its class before those of
                another one, or too many photos for float32 to count.
        """
        if not 0 <= label < EXACT or len(self) + 2 >= EXACT:
            raise ValueError(
                f"A .rec file counts up to {EXACT} photos and classes. "
                f"Received: class {label} of photo {len(self) + 1}."
            )
        if not photo or len(photo) > LONGEST - HEADER.size:
            raise ValueError(
                f"A photo must have 1 to {LONGEST - HEADER.size} bytes. "
                f"Received: {len(photo)}."
            )
        self._note(int(label), self._end)
        header = HEADER.pack(0, float(label), len(self), 0)
        self._end += write_record(self._file, header + photo)

    def finish(self, class_names: list[str]) -> None:
        """Writes the records of identities and the index; the file is there.

        Raises:
            ValueError: If there is no photo, or a class without a name.
        """
        labels = np.array(self.labels, np.int64)
        if not len(labels) or labels.max() >= len(class_names):
            raise ValueError(
                "`class_names` must name each class of at least one photo. "
                f"Received: {len(class_names)} names for {len(labels)} photos "
                f"of classes up to {labels.max(initial=-1)}."
            )
        first = np.flatnonzero(np.diff(labels, prepend=-1)) + 1
        ranges = zip(
            first.tolist(), [*first[1:].tolist(), len(labels) + 1], strict=True
        )
        places = list(self.places)
        for start, stop in ranges:
            key = len(places) + 1
            places.append(self._end)
            self._end += self._identity(key, 0, start, stop)
        places.append(self._end)
        self._end += self._identity(0, 1, len(labels) + 1, len(places))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        keys = [*range(1, len(places)), 0]
        with atomic_write(self.path.with_suffix(".idx")) as file:
            for key, place in zip(keys, places, strict=True):
                file.write(b"%d\t%d\n" % (key, place))
        with atomic_write(self.path.with_suffix(CLASSES)) as file:
            file.write(json.dumps(class_names, ensure_ascii=False).encode())
        with atomic_write(self.path.with_name("property")) as file:
            file.write(b"%d,112,112\n" % (labels.max() + 1))
        os.replace(self.part, self.path)

    def _identity(self, key: int, id2: int, start: int, stop: int) -> int:
        record = HEADER.pack(2, 0.0, key, id2) + struct.pack(
            "<2f", float(start), float(stop)
        )
        return write_record(self._file, record)

    def close(self) -> None:
        """Keeps what is there for another writer to go on with."""
        self._file.close()

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()


def write_faces_rec(
    path: "str | os.PathLike", source: FaceSource, resume: bool = True
) -> None:
    """Writes a data set of faces as one RecordIO file, to train from.

    A file that is read from anywhere at the cost of one system call, however
    many photos it has: InsightFace's layout, which its own tools read too.
    Photos of a class come together; their bytes are kept as they are.

    Broken off, it goes on where it was when it is called again.

    Args:
        path: String or path that ends with `.rec`. Next to it come `.idx`,
            `property` (which says 112 x 112 whatever the photos are: nobody
            reads it) and `.classes.json`, the class names.
        source: `FaceSource`, of `open_faces`.
        resume: bool, whether to go on with what a call before left. Defaults
            to `True`.

    Raises:
        ValueError: If what was left is of another data set, or there are
            more than 16,777,214 photos, which the format cannot count.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("faces/Ann/1.jpg", "faces/Bob/1.jpg"):
    ...     (folder / name).parent.mkdir(parents=True)
    ...     _ = (folder / name).write_bytes(name.encode())
    >>> people = kh.data.open_faces(folder / "faces")
    >>> kh.data.write_faces_rec(folder / "train.rec", people)
    >>> source = kh.data.open_faces(folder / "train.rec")
    >>> source.read(1), source.class_names
    (b'faces/Bob/1.jpg', ['Ann', 'Bob'])

    Reference:
        InsightFace, `recognition/arcface_mxnet/common/rec_builder.py`,
        whose `property` has the size of the photos; the class names are
        ours.
    """
    order = np.argsort(source.labels, kind="stable")
    with RecordWriter(path, resume) as writer:
        count = len(writer)
        if count > len(order) or not np.array_equal(
            writer.labels, source.labels[order[:count]]
        ):
            raise other(writer, source)
        if count:
            file = OpenFile(writer.part)
            _, photo = split(file, writer.places[-1])
            file.close()
            if photo != source.read(order[count - 1]):
                raise other(writer, source)
        for index in order[count:]:
            writer.append(int(source.labels[index]), source.read(index))
        writer.finish(source.class_names)


def other(writer: RecordWriter, source: FaceSource) -> ValueError:
    """The error of a part that something else left."""
    return ValueError(
        f"'{writer.part}' is of another data set than '{source.path}'. Remove "
        "it, or say `resume=False`."
    )
