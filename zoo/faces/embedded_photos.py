"""What `FaceEmbedder.embed(..., details=True)` returns."""

import dataclasses

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
