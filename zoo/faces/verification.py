"""What `FaceEmbedder.verify` returns."""

import dataclasses
import math
import numbers

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.faces.aligned_face import AlignedFace
from keras_hypersphere.zoo.faces.rates import RateCurve

# How many times the false accept rate may be another before a decision that
# would be another is called near the threshold.
NEAR = 10.0


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Verification:
    """The comparison of the faces of two photos.

    `decide` makes one from a distance and a card.

    Args:
        same: Whether they are taken for the same person: the distance is
            below the threshold.
        distance: Of the two embeddings, as the card measures it.
        threshold: The card's, or the one that was given.
        faces: The two faces; None for what was a vector.
        far: False accept rate of the threshold: the share of pairs of
            different people that lie below it, as the card measured it.
            None where that is not known.
        frr: False reject rate: the share of pairs of one person that do
            not.
        near: Whether the distance is near the threshold: a threshold of ten
            times the false accept rate, or of a tenth of it, would decide
            otherwise. None where that is not known.
    """

    same: bool
    distance: float
    threshold: float
    faces: tuple[AlignedFace | None, AlignedFace | None]
    far: float | None = None
    frr: float | None = None
    near: bool | None = None

    @classmethod
    def decide(
        cls,
        card: Card,
        distance: float,
        threshold: float,
        faces: tuple[AlignedFace | None, AlignedFace | None],
    ) -> "Verification":
        """Compares a distance with a threshold.

        Args:
            card: What it says of the rates.
            distance, threshold, faces: As in the class.
        """
        curve = RateCurve(card.rates)
        far, frr = curve.at(threshold)
        near = None
        if far is not None and curve.known:
            rate = curve.far(threshold)
            strict = curve.threshold(rate / NEAR)
            lax = curve.threshold(rate * NEAR)
            near = strict <= distance < lax
        same = distance < threshold
        return cls(same, distance, threshold, faces, far, frr, near)

    def __repr__(self) -> str:
        near = ", near it" if self.near else ""
        return (
            f"<Verification: {'same' if self.same else 'different'}, "
            f"distance {self.distance:.4f}, threshold "
            f"{self.threshold:.4f}{near}>"
        )

    def as_dict(self) -> dict:
        """Plain values, for JSON; None for what is not known."""
        return {
            "same": self.same,
            "distance": self.distance,
            "threshold": self.threshold,
            "far": self.far,
            "frr": self.frr,
            "near": self.near,
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
