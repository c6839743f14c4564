"""What `FaceEmbedder.verify` returns."""

import dataclasses
import math
import numbers

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.faces.aligned_face import AlignedFace


@dataclasses.dataclass(frozen=True, eq=False)
class Verification:
    """The comparison of the faces of two photos.

    Args:
        same: Whether they are taken for the same person: the distance is
            below the threshold.
        distance: Of the two embeddings, as the card measures it.
        threshold: The card's, or the one that was given.
        faces: The two faces.
    """

    same: bool
    distance: float
    threshold: float
    faces: tuple[AlignedFace | None, AlignedFace | None]

    def as_dict(self) -> dict:
        """Plain values, for JSON."""
        return {
            "same": self.same,
            "distance": self.distance,
            "threshold": self.threshold,
            "photos": [face and face.as_dict() for face in self.faces],
        }


def find_threshold(card: Card, threshold: float | None = None) -> float:
    """The threshold that was given, or else the card's.

    Raises:
        ValueError: If it is no number, or none is given and the card's is
            not known.
    """
    if threshold is None:
        if card.threshold == 0:
            raise ValueError(
                f"The threshold of {card.name} is not known: give one as "
                "`threshold` (`--threshold` on the command line), or measure "
                f"it: `keras-hypersphere evaluate lfw --model {card.name}`. "
                "Received: threshold=None"
            )
        return card.threshold
    if (
        isinstance(threshold, bool)
        or not isinstance(threshold, numbers.Real)
        or not math.isfinite(threshold)
    ):
        raise ValueError(
            f"`threshold` must be a distance. Received: threshold={threshold!r}"
        )
    return float(threshold)
