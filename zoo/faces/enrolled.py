"""The photos of a gallery: embeddings, people, and where they come from."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Enrolled:
    """Photos of known people, a row each.

    Args:
        embeddings: `(photos, dim)` float32.
        names: The person of each photo.
        photos: Where each photo lies.
        fingerprints: Of each photo's file; `""` where that is not known.
    """

    embeddings: np.ndarray
    names: list[str]
    photos: list[str]
    fingerprints: list[str]

    def __len__(self) -> int:
        return len(self.names)

    def __add__(self, other: "Enrolled") -> "Enrolled":
        return Enrolled(
            np.concatenate([self.embeddings, other.embeddings]),
            self.names + other.names,
            self.photos + other.photos,
            self.fingerprints + other.fingerprints,
        )

    def take(self, rows: "Sequence[int] | np.ndarray") -> "Enrolled":
        """Some of the rows, in the order given."""
        return Enrolled(
            self.embeddings[np.asarray(rows, int)],
            [self.names[row] for row in rows],
            [self.photos[row] for row in rows],
            [self.fingerprints[row] for row in rows],
        )


def as_rows(embeddings: np.ndarray) -> np.ndarray:
    """Embeddings as float32.

    Raises:
        ValueError: If they are not real numbers, or too large for float32.
    """
    array = np.asarray(embeddings)
    if array.dtype.kind not in "iufV":
        raise ValueError(
            "`embeddings` must be real numbers. Received: embeddings of dtype "
            f"{array.dtype}"
        )
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def enroll(
    embeddings: np.ndarray,
    names: Sequence[str],
    photos: Sequence[str],
    dim: int,
    fingerprints: Sequence[str] | None = None,
) -> Enrolled:
    """Checks what a gallery is made of.

    Raises:
        ValueError: If it does not fit together, or is not finite.
    """
    embeddings = as_rows(embeddings)
    if fingerprints is None:
        fingerprints = [""] * len(names)
    if (
        embeddings.shape != (len(names), dim)
        or len(photos) != len(names)
        or len(fingerprints) != len(names)
    ):
        raise ValueError(
            f"`embeddings` must be (photos, {dim}), with a name for each "
            f"photo. Received: embeddings of shape {embeddings.shape}, "
            f"{len(names)} names, {len(photos)} photos"
        )
    if not np.isfinite(embeddings).all():
        raise ValueError(
            "`embeddings` must be finite numbers. Received: NaN or "
            "infinity; embed the photos again"
        )
    return Enrolled(
        embeddings,
        [require_name(str(name)) for name in names],
        [str(photo) for photo in photos],
        [str(fingerprint) for fingerprint in fingerprints],
    )


def require_name(name: str) -> str:
    """Refuses what is no person's name; returns it."""
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise ValueError(
            f"`name` must be a person's name. Received: name={name!r}"
        )
    return name


def fingerprint(photo: object) -> str:
    """A hash of a photo's file; `""` if it cannot be read, or is no file."""
    if not isinstance(photo, (str, Path)):
        return ""
    try:
        data = Path(photo).read_bytes()
    except (OSError, ValueError):
        return ""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
