"""Known people, and who of them a photo shows."""

import dataclasses
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.faces.aligned_face import AlignedFace
from keras_hypersphere.zoo.faces.distance import distances
from keras_hypersphere.zoo.faces.verification import find_threshold

if TYPE_CHECKING:
    from keras_hypersphere.zoo.faces.embedder import FaceEmbedder

ARRAYS = ("embeddings", "names", "photos", "model", "model_sha256")


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


@dataclasses.dataclass(frozen=True, eq=False)
class Identification:
    """What `Gallery.identify` returns.

    Args:
        matches: The nearest people, the nearest first.
        threshold: Farther people are others.
        face: The face that was looked for.
    """

    matches: tuple[Match, ...]
    threshold: float
    face: AlignedFace

    @property
    def person(self) -> str | None:
        """The nearest person, or None: an impostor (open-set search)."""
        nearest = self.matches[0]
        return nearest.name if nearest.distance < self.threshold else None

    def as_dict(self) -> dict:
        """Plain values, for JSON."""
        return {
            "person": self.person,
            "threshold": self.threshold,
            "matches": [dataclasses.asdict(match) for match in self.matches],
            "photo": self.face.as_dict(),
        }


class Gallery:
    """Known people, to be looked for in photos (1:N search).

    Each photo of the gallery is one embedding; a person is as far from a
    face as the nearest of their photos. `FaceEmbedder.gallery` makes one
    from a folder.

    Args:
        embedder: The model that the embeddings are of.
        embeddings: `(photos, dim)`.
        names: The person of each photo.
        photos: Where each photo lies.
        failures: Why, for each photo without a row.

    Raises:
        ValueError: If there is no row, or the arguments do not fit together.

    Example:

    >>> import keras_hypersphere as kh
    >>> embedder = kh.zoo.FaceEmbedder.from_preset("dlib-resnet")
    >>> gallery = kh.zoo.Gallery(
    ...     embedder, np.eye(2, 128), ["Grace", "Eileen"], ["g.jpg", "e.jpg"])
    >>> gallery.people
    ['Eileen', 'Grace']
    """

    def __init__(
        self,
        embedder: "FaceEmbedder",
        embeddings: np.ndarray,
        names: Sequence[str],
        photos: Sequence[str],
        failures: dict[str, str] | None = None,
    ) -> None:
        embeddings = np.asarray(embeddings, np.float32)
        shape = (len(names), embedder.card.dim)
        if not names or embeddings.shape != shape or len(photos) != len(names):
            raise ValueError(
                "`embeddings` must be (photos, "
                f"{embedder.card.dim}) with a name for each photo, and one "
                f"photo at least. Received: embeddings of shape "
                f"{embeddings.shape}, {len(names)} names, {len(photos)} photos"
            )
        if not np.isfinite(embeddings).all():
            raise ValueError(
                "`embeddings` must be finite numbers. Received: NaN or "
                "infinity; embed the photos again"
            )
        self.embedder = embedder
        self.embeddings = embeddings
        self.names = [str(name) for name in names]
        self.photos = [str(photo) for photo in photos]
        self.failures = dict(failures or {})

    @property
    def people(self) -> list[str]:
        """The names, each once, sorted."""
        return sorted(set(self.names))

    def identify(
        self,
        photo: "str | os.PathLike | np.ndarray",
        top_k: int = 5,
        threshold: float | None = None,
        choose: str = "largest",
    ) -> Identification:
        """Looks for the person on a photo.

        Args:
            photo: File name or array: see `images.read`.
            top_k: How many people are returned, at most.
            threshold: Whoever is not nearer than this is an impostor. Default:
                the card's, which was chosen for comparing two photos; a
                large gallery needs a smaller one.
            choose: Which of several faces: `"largest"` or `"center"`.

        Raises:
            NoFaceError: If the photo has no face.
            ValueError: If the photo is a folder or cannot be read, an
                argument is invalid, or neither the card nor you say a
                threshold.
            FileNotFoundError: If there is no such photo.
        """
        if isinstance(top_k, bool) or not isinstance(top_k, int) or top_k < 1:
            raise ValueError(
                f"`top_k` must be a positive integer. Received: top_k={top_k!r}"
            )
        threshold = find_threshold(self.embedder.card, threshold)
        if isinstance(photo, (str, os.PathLike)):
            images.refuse_folder(photo)
        found = self.embedder.embed(
            [photo], details=True, choose=choose, errors="raise"
        )
        matches = self.nearest(found.vectors[0], top_k)
        return Identification(matches, threshold, found.faces[0])

    def nearest(self, embedding: np.ndarray, top_k: int) -> tuple[Match, ...]:
        """The people nearest to an embedding, `(dim,)`, the nearest first."""
        away = distances(
            embedding, self.embeddings, self.embedder.card.distance
        )
        order = np.argsort(away[0], kind="stable")
        matches: dict[str, Match] = {}
        for place in order:
            name = self.names[place]
            if name not in matches:
                distance = float(away[0, place])
                matches[name] = Match(name, distance, self.photos[place])
                if len(matches) == top_k:
                    break
        return tuple(matches.values())

    def save(self, path: "str | os.PathLike") -> None:
        """Writes an `.npz` file: embeddings, names and the model's hash.

        Raises:
            ValueError: If `path` does not end in .npz, or is a folder.
            FileNotFoundError: If its folder is not there.
        """
        path = Path(path)
        if path.suffix != ".npz":
            raise ValueError(
                f"`path` must end in .npz. Received: path={str(path)!r}"
            )
        card = self.embedder.card
        with atomic_write(path) as file:
            np.savez(
                file,
                embeddings=self.embeddings,
                names=np.array(self.names),
                photos=np.array(self.photos),
                model=np.array(card.name),
                model_sha256=np.array(card.weights_sha256),
            )

    @classmethod
    def load(
        cls,
        path: "str | os.PathLike",
        embedder: "FaceEmbedder | None" = None,
    ) -> "Gallery":
        """Reads what `save` wrote.

        Args:
            path: The `.npz` file.
            embedder: The model. Default: the zoo's of the name in the file.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no gallery, or one of another model, whose
                embeddings cannot be compared.
        """
        # The embedder makes galleries: its file imports this one.
        from keras_hypersphere.zoo.faces.embedder import FaceEmbedder

        arrays = read_arrays(Path(path))
        model, digest = str(arrays["model"]), str(arrays["model_sha256"])
        embedder = embedder or FaceEmbedder.from_preset(model)
        if embedder.card.weights_sha256 != digest:
            raise ValueError(
                f"The gallery '{path}' was made with other weights of "
                f"{model} ({digest[:12]}…) than {embedder.card.name} has "
                f"({embedder.card.weights_sha256[:12]}…). Make it again."
            )
        return cls(
            embedder,
            arrays["embeddings"],
            arrays["names"].tolist(),
            arrays["photos"].tolist(),
        )


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a gallery's file."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no gallery '{path}'.")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in ARRAYS}
    except (
        AttributeError,
        TypeError,
        ValueError,
        KeyError,
        OSError,
        EOFError,
        zipfile.BadZipFile,
    ) as error:
        raise ValueError(
            f"'{path}' is no gallery: an .npz file with the arrays "
            f"{', '.join(ARRAYS)} was expected ({type(error).__name__})."
        ) from error


def person_of(photo: str, folder: Path) -> str:
    """The folder below `folder` that a photo lies in, or the photo's name."""
    inside = Path(photo).relative_to(folder)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem
