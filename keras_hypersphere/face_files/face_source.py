"""What a data set of faces is, whatever file it lies in."""

import abc
import functools
import operator
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_hypersphere.face_files.texts import Names


class FaceSource(abc.ABC):
    """Photos of faces in any format, each with the number of its class.

    `kh.data.open_faces` makes one; for a format of your own, write a class
    with `__len__`, `_read`, `_name` and `_classes`. Nothing is decoded:
    `read` gives the bytes of image files, from several threads at once if
    you like. A copy that is sent to another process opens the files itself.

    `class_names[labels[i]]` is who is on photo i. Labels are 0 to C - 1 and
    every class has a photo. What a file numbers with gaps, such as 0, 7, 14,
    becomes 0, 1, 2, whose class names are `"0"`, `"7"` and `"14"`.

    Args:
        path: String or path, for messages.
        kind: String, the format.

    Attributes:
        path: Path, what was opened.
        kind: String, the format.
        labels: `(N,)` int64 array.
        class_names: list of C strings; keep it next to a trained model.
        names: sequence of N strings, such as the path of a photo in a
            folder, or the key of a record. They are made when asked for.
        left_out: dict, path → why, for what should be a photo and cannot be
            read. Empty except for folders.

    Example:

    >>> class Letters(kh.data.FaceSource):
    ...     def __len__(self):
    ...         return 4
    ...
    ...     def _read(self, index):
    ...         return "abcd"[index].encode()
    ...
    ...     def _name(self, index):
    ...         return f"letter {index}"
    ...
    ...     def _classes(self):
    ...         return np.array([0, 0, 1, 1]), ["Ann", "Bob"]
    >>> source = Letters("an alphabet", "letters")
    >>> print(source)
    4 photos of 2 people in 'an alphabet' (letters)
    >>> source.read(2), source.names[2], source.class_names[source.labels[2]]
    (b'c', 'letter 2', 'Bob')

    Reference:
        torchvision's `ImageFolder` and InsightFace's `MXFaceDataset`, which
        decode; here that is left to the input pipeline.
    """

    def __init__(self, path: "str | os.PathLike", kind: str) -> None:
        self.path = Path(path)
        self.kind = kind
        self.left_out: dict[str, str] = {}
        self._closed = False

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many photos there are."""

    @abc.abstractmethod
    def _read(self, index: int) -> bytes:
        """The bytes of a photo's file."""

    @abc.abstractmethod
    def _name(self, index: int) -> str:
        """The name of a photo."""

    @abc.abstractmethod
    def _classes(self) -> tuple[np.ndarray, list[str]]:
        """Labels and class names."""

    @functools.cached_property
    def _labels_and_names(self) -> tuple[np.ndarray, list[str]]:
        labels, class_names = self._classes()
        labels.setflags(write=False)
        return labels, class_names

    @property
    def labels(self) -> np.ndarray:
        """`(N,)` int64 classes, 0 to C - 1."""
        return self._labels_and_names[0]

    @property
    def class_names(self) -> list[str]:
        """The name of each class."""
        return self._labels_and_names[1]

    @property
    def names(self) -> Sequence[str]:
        """The name of each photo."""
        return Names(len(self), self._name)

    def read(self, index: int) -> bytes:
        """Returns the bytes of a photo's image file.

        Raises:
            IndexError: If there is no such photo.
            ValueError: If the data set is damaged there, or closed.
        """
        index = operator.index(index)
        if not 0 <= index < len(self):
            raise IndexError(
                f"'{self.path}' has photos 0 to {len(self) - 1}. "
                f"Received: index={index}."
            )
        if self._closed:
            raise ValueError(f"'{self.path}' is closed. Open it again.")
        return self._read(index)

    def close(self) -> None:
        """Closes the files; `read` raises from now on."""
        self._closed = True

    def __enter__(self) -> "FaceSource":
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def __str__(self) -> str:
        return (
            f"{len(self)} photos of {len(self.class_names)} people in "
            f"'{self.path}' ({self.kind})"
        )


def number_classes(values: Any) -> tuple[np.ndarray, list[str]]:
    """Numbers classes 0 to C - 1, in ascending order of whole numbers."""
    present, labels = np.unique(np.asarray(values), return_inverse=True)
    return labels.astype(np.int64), [str(value) for value in present.tolist()]


def number_texts(values: Iterable[str]) -> tuple[np.ndarray, list[str]]:
    """Numbers classes 0 to C - 1, in the order of their names."""
    numbers: dict[str, int] = {}
    first = np.array(
        [numbers.setdefault(value, len(numbers)) for value in values], np.int64
    )
    names = sorted(numbers)
    rank = np.empty(len(names), np.int64)
    rank[[numbers[name] for name in names]] = np.arange(len(names))
    return rank[first], names
