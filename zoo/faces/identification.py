"""What `Gallery.identify` returns."""

import dataclasses

from keras_hypersphere.zoo.faces.aligned_face import AlignedFace


@dataclasses.dataclass(frozen=True)
class Match:
    """A person of a gallery, as far from a face as their nearest photo.

    Args:
        name: The person.
        distance: Of the two embeddings, as the card measures it.
        photo: The person's photo that is nearest.
    """

    name: str
    distance: float
    photo: str


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Identification:
    """Whom a face shows, as far as a gallery knows.

    Args:
        matches: The nearest people, the nearest first; none of an empty
            gallery.
        threshold: Farther people are others.
        face: The face that was looked for.
    """

    matches: tuple[Match, ...]
    threshold: float
    face: AlignedFace

    @property
    def person(self) -> str | None:
        """The nearest person, or None: an impostor (open-set search)."""
        if self.matches and self.matches[0].distance < self.threshold:
            return self.matches[0].name
        return None

    def __repr__(self) -> str:
        nearest = "an empty gallery"
        if self.matches:
            first = self.matches[0]
            nearest = f"nearest {first.name!r} at {first.distance:.4f}"
        return (
            f"<Identification of {self.face.photo!r}: "
            f"{self.person or 'nobody'} ({nearest}, threshold "
            f"{self.threshold:.4f})>"
        )

    def as_dict(self) -> dict:
        """Plain values, for JSON."""
        return {
            "person": self.person,
            "threshold": self.threshold,
            "matches": [dataclasses.asdict(match) for match in self.matches],
            "photo": self.face.as_dict(),
        }
