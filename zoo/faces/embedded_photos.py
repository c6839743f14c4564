"""What `FaceEmbedder.embed(..., details=True)` returns."""

import collections
import dataclasses
from collections.abc import Iterable

import numpy as np

from keras_hypersphere.zoo.faces.aligned_face import AlignedFace


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class EmbeddedPhotos:
    """Embeddings of photos, and where they come from.

    Args:
        vectors: (faces, dim) float32, one row for each entry of `faces`.
        faces: Photo, box and landmarks of each row.
        failures: Why, for each photo that has no row.
    """

    vectors: np.ndarray
    faces: list[AlignedFace]
    failures: dict[str, str]

    @property
    def names(self) -> list[str]:
        """The photo of each row."""
        return [face.photo for face in self.faces]

    @property
    def passed_over(self) -> dict[str, int]:
        """How many faces of a photo have no row, where there are some."""
        rows = collections.Counter(self.names)
        return {
            face.photo: face.found - rows[face.photo]
            for face in self.faces
            if face.found > rows[face.photo]
        }

    def __repr__(self) -> str:
        return (
            f"<EmbeddedPhotos: {len(self.faces)} faces of "
            f"{len(set(self.names))} photos, {len(self.failures)} failed>"
        )


def join_parts(parts: Iterable[EmbeddedPhotos], dim: int) -> EmbeddedPhotos:
    """Joins those of one photo after the other; there may be none."""
    vectors = [np.empty((0, dim), np.float32)]
    faces: list[AlignedFace] = []
    failures: dict[str, str] = {}
    for part in parts:
        vectors.append(part.vectors)
        faces += part.faces
        failures |= part.failures
    return EmbeddedPhotos(np.concatenate(vectors), faces, failures)
