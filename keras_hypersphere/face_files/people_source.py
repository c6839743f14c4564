"""A folder of people as a data set."""

import os

import numpy as np

from keras_hypersphere.face_files.face_source import FaceSource, number_texts
from keras_hypersphere.face_files.people import find_people
from keras_hypersphere.face_files.photo_file import file_bytes
from keras_hypersphere.face_files.texts import Texts


class PeopleSource(FaceSource):
    """Photos in a folder for each person, at any depth; see `find_people`.

    Class names are sorted as texts: `"10"` comes before `"2"`, as with
    torchvision's ImageFolder.
    """

    def __init__(self, path: "str | os.PathLike") -> None:
        super().__init__(path, "folder of people")
        people, self.left_out = find_people(path)
        self._paths = Texts(
            os.fsencode(photo.relative_to(self.path)) for photo, _ in people
        )
        self._numbered = number_texts(person for _, person in people)

    def __len__(self) -> int:
        return len(self._paths)

    def _name(self, index: int) -> str:
        return self._paths[index]

    def _read(self, index: int) -> bytes:
        return file_bytes(self.path / os.fsdecode(self._paths.raw(index)))

    def _classes(self) -> tuple[np.ndarray, list[str]]:
        return self._numbered
