"""What `FaceEmbedder.embed(..., details=True)` returns."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from keras_hypersphere.zoo.faces.aligned_face import AlignedFace


@dataclasses.dataclass(frozen=True, eq=False)
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
