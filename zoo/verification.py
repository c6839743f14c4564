"""What `FaceEmbedder.verify` returns."""

import dataclasses

from keras_hypersphere.zoo.aligned_face import AlignedFace


@dataclasses.dataclass(frozen=True, eq=False)
class Verification:
    """The comparison of the faces of two photos.

    Args:
        same: Whether they are taken for the same person: the distance is
            below the threshold.
        distance: Of the two embeddings, as the card measures it.
        threshold: The card's.
        faces: The two faces.
    """

    same: bool
    distance: float
    threshold: float
    faces: tuple[AlignedFace, AlignedFace]

    def as_dict(self) -> dict:
        """Plain values, for JSON."""
        return {
            "same": self.same,
            "distance": self.distance,
            "threshold": self.threshold,
            "photos": [face.as_dict() for face in self.faces],
        }
