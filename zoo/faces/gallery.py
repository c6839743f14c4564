"""Known people, and who of them a photo shows."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.cards.registry import known_names
from keras_hypersphere.zoo.faces import gallery_file
from keras_hypersphere.zoo.faces.embedded_photos import EmbeddedPhotos
from keras_hypersphere.zoo.faces.enrolled import Enrolled
from keras_hypersphere.zoo.faces.gallery_changes import people_of
from keras_hypersphere.zoo.faces.identification import Identification, Match
from keras_hypersphere.zoo.faces.open_set import (
    alike_limit,
    open_set_threshold,
    require_rate,
)
from keras_hypersphere.zoo.faces.photo_embedder import PhotoEmbedder
from keras_hypersphere.zoo.faces.photo_list import Photo
from keras_hypersphere.zoo.faces.rates import RateCurve
from keras_hypersphere.zoo.faces.roster import Roster
from keras_hypersphere.zoo.faces.same_embeddings import (
    embedding_facts,
    require_same_embeddings,
)
from keras_hypersphere.zoo.faces.search import Others, Search, require_top_k
from keras_hypersphere.zoo.faces.verification import find_threshold

if TYPE_CHECKING:
    from keras_hypersphere.zoo.faces.progress_bar import Progress

RATE = 0.01


class Gallery(Roster):
    """Known people, to be looked for in photos (1:N search).

    Each photo of the gallery is one embedding; a person is as far from a
    face as the nearest of their photos. Who is farther than the threshold
    from everybody is nobody the gallery knows: see `threshold`. People come
    with `add`, go with `remove`, and follow a folder with `update`.

    Args:
        embedder: The model that the embeddings are of.
        embeddings: `(photos, dim)`. Default: none, an empty gallery.
        names: The person of each photo.
        photos: Where each photo lies.
        failures: Why, for each photo without a row.
        choose: Which of several faces of a photo is the person: `"largest"`
            or `"center"`.
        fingerprints: Of the photos' files, as `update` compares them.

    Raises:
        ValueError: If the arguments do not fit together.

    Example:

    >>> import keras_hypersphere as kh
    >>> embedder = kh.zoo.FaceEmbedder.from_preset("dlib-resnet")
    >>> kh.zoo.Gallery(
    ...     embedder, np.eye(2, 128), ["Grace", "Eileen"], ["g.jpg", "e.jpg"])
    <Gallery of dlib-resnet: 2 people, 2 photos>
    """

    def _set(self, rows: Enrolled, kept: Sequence[int] = ()) -> None:
        """Takes other rows: what was derived of the old ones is renewed."""
        before: Others | None = getattr(self, "_others", None)
        super()._set(rows, kept)
        self._search = Search(rows, self.embedder.card.distance)
        self._thresholds: dict[float, float] = {}
        self._others = None
        if before is not None:
            self._others = self._search.nearest_others(before, kept)

    @property
    def people(self) -> list[str]:
        """The names, each once, sorted."""
        return list(self._search.people)

    @classmethod
    def from_folder(
        cls,
        embedder: PhotoEmbedder,
        folder: "str | os.PathLike",
        choose: str = "largest",
        progress: "Progress" = False,
    ) -> "Gallery":
        """Embeds photos of known people, to look for them in others.

        Args:
            embedder: The model.
            folder: It holds a folder of photos for each person, named after
                them, or a photo for each, or both.
            choose: Which of several faces: `"largest"` or `"center"`.
            progress: True shows a bar; a function is called with the number
                of photos done and of all.

        Returns:
            The gallery; its `failures` tell which photos gave no face.

        Raises:
            ValueError: If no photo has a face, or there is none.
            FileNotFoundError: If there is no such folder.
        """
        gallery = cls(embedder, choose=choose)
        gallery.update(folder, progress)
        if not len(gallery):
            first = next(iter(gallery.failures.values()))
            raise ValueError(f"No photo in '{folder}' has a face: {first}")
        return gallery

    @classmethod
    def from_embeddings(
        cls,
        path: "str | os.PathLike",
        embedder: PhotoEmbedder | None = None,
        folder: "str | os.PathLike | None" = None,
        runtime: str = "auto",
    ) -> "Gallery":
        """Makes a gallery of the file that `keras-hypersphere embed` wrote.

        Args:
            path: The `.npz` file. Its photos lie in a folder of people, as
                `from_folder` takes it.
            embedder: The model. Default: the zoo's of the name in the file.
            folder: That folder, as it was named when the file was written.
                Default: the one that holds all photos of the file.
            runtime: What computes the zoo's model.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is none, is of another model, has several faces
                of a photo, or a photo is not in the folder.
        """
        saved = gallery_file.read_embeddings(Path(path))
        embedder = _embedder_of(saved, path, embedder, runtime)
        people = people_of(saved.rows.photos, folder)
        rows = saved.rows
        return cls(
            embedder, rows.embeddings, people, rows.photos, choose=saved.choose
        )

    @overload
    def identify(
        self,
        photo: Photo,
        top_k: int = 5,
        threshold: float | None = None,
        choose: Literal["largest", "center"] = "largest",
    ) -> Identification: ...

    @overload
    def identify(
        self,
        photo: Photo,
        top_k: int = 5,
        threshold: float | None = None,
        *,
        choose: Literal["all"],
    ) -> list[Identification]: ...

    def identify(
        self,
        photo: Photo,
        top_k: int = 5,
        threshold: float | None = None,
        choose: str = "largest",
    ) -> Identification | list[Identification]:
        """Looks for the person on a photo.

        Args:
            photo: A photo, as `FaceEmbedder.embed` takes it.
            top_k: How many people are returned, at most.
            threshold: Whoever is not nearer than this is an impostor.
                Default: that of `threshold()`.
            choose: Which of several faces: `"largest"`, `"center"`, or
                `"all"`.

        Returns:
            An `Identification`, whose `person` is None for an impostor; with
            `choose="all"` a list of them, one for each face.

        Raises:
            NoFaceError: If the photo has no face.
            ValueError: If the photo is a folder or cannot be read, an
                argument is invalid, or neither the card nor the gallery
                tells a threshold.
            FileNotFoundError: If there is no such photo.
        """
        require_top_k(top_k)
        threshold = self._find_threshold(threshold)
        if isinstance(photo, (str, os.PathLike)):
            images.refuse_folder(photo)
        found = self.embedder.embed(
            [photo], details=True, choose=choose, errors="raise"
        )
        answers = self.identify_embedded(found, top_k, threshold)
        return answers if choose == "all" else answers[0]

    def identify_embedded(
        self,
        found: EmbeddedPhotos,
        top_k: int = 5,
        threshold: float | None = None,
    ) -> list[Identification]:
        """Looks for the people on photos that are embedded already.

        Args:
            found: What `FaceEmbedder.embed(…, details=True)` returned, or a
                part of `FaceEmbedder.stream`.
            top_k, threshold, Raises: As in `identify`.

        Returns:
            An `Identification` of each face.
        """
        require_top_k(top_k)
        threshold = self._find_threshold(threshold)
        return [
            Identification(self.nearest(vector, top_k), threshold, face)
            for vector, face in zip(found.vectors, found.faces, strict=True)
        ]

    def nearest(self, embedding: np.ndarray, top_k: int) -> tuple[Match, ...]:
        """The people nearest to an embedding, `(dim,)`, the nearest first."""
        require_top_k(top_k)
        return self._search.nearest(embedding, int(top_k))

    def threshold(self, false_identification_rate: float = RATE) -> float:
        """The distance below which a face is taken for the nearest person.

        Of people who are not in the gallery, about this share is named as
        somebody all the same. The more photos a gallery has, the likelier
        one of them resembles an impostor, and the smaller the threshold. It
        comes from the gallery's own people, each of whom is an impostor to
        the others, and from the card's rates: see
        `open_set.open_set_threshold` for the formula. It is found again
        when people come or go.

        Args:
            false_identification_rate: Above 0, below 1. Default: 0.01.

        Raises:
            ValueError: If the rate is none, or neither the card nor the
                gallery tells a threshold.
        """
        require_rate(false_identification_rate)
        rate = float(false_identification_rate)
        if rate not in self._thresholds:
            card = self.embedder.card
            curve = self._curve()
            # So many people can show such a rate.
            enough = 2 if card.threshold else 1 / rate
            if not curve.known and len(self) < enough:
                return find_threshold(card)
            self._thresholds[rate] = open_set_threshold(
                rate,
                self._nearest_others()[0],
                self._search.codes,
                curve,
                card.threshold or None,
            )
        return self._thresholds[rate]

    def alike(self) -> list[tuple[str, str, float]]:
        """People who look like one person with two names.

        Returns:
            Two names, and the distance of their nearest photos, for each
            two who are as near as two thirds of the same pairs are that the
            card measured; the nearest first. None where it has no rates.
        """
        limit = alike_limit(self._curve())
        return self._search.nearer_others(self._nearest_others(), limit)

    def _known_rates(self) -> dict[str, Any]:
        """What thresholds depend on, besides the photos: plain values."""
        card = self.embedder.card
        rates = [dict(rate) for rate in getattr(card, "rates", ())]
        return {"rates": rates, "threshold": card.threshold}

    def _curve(self) -> RateCurve:
        return RateCurve(self.embedder.card.rates)

    def _nearest_others(self) -> Others:
        if self._others is None:
            self._others = self._search.nearest_others()
        return self._others

    def _find_threshold(self, threshold: float | None) -> float:
        if threshold is None:
            return self.threshold()
        return find_threshold(self.embedder.card, threshold)

    # === Files ===

    def save(self, path: "str | os.PathLike") -> None:
        """Writes an `.npz` file: photos, people, threshold, and the model's
        hash.

        The file is replaced once it is complete: who was removed is not in
        it any more.

        Raises:
            ValueError: If `path` does not end in .npz, or is a folder.
            FileNotFoundError: If its folder is not there.
        """
        card = self.embedder.card
        # Where neither the card nor the gallery tells a threshold.
        with contextlib.suppress(ValueError):
            self.threshold()
        facts = embedding_facts(card, self._golden_output())
        saved = gallery_file.Saved(
            self._rows,
            self.failures,
            {**facts, **self._known_rates()},
            self.choose,
            self._others,
            self._thresholds,
        )
        gallery_file.write_gallery(Path(path), saved)

    @classmethod
    def load(
        cls,
        path: "str | os.PathLike",
        embedder: PhotoEmbedder | None = None,
        runtime: str = "auto",
    ) -> "Gallery":
        """Reads what `save` wrote.

        Args:
            path: The `.npz` file.
            embedder: The model. Default: the zoo's of the name in the file.
            runtime: What computes the zoo's model.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no gallery, or one of another model, whose
                embeddings cannot be compared.
        """
        saved = gallery_file.read_gallery(Path(path))
        embedder = _embedder_of(saved, path, embedder, runtime)
        rows = saved.rows
        try:
            gallery = cls(
                embedder,
                rows.embeddings,
                rows.names,
                rows.photos,
                saved.failures,
                saved.choose,
                rows.fingerprints,
            )
        except ValueError as error:
            raise ValueError(f"'{path}' is damaged: {error}") from None
        gallery._others = saved.others
        rates = gallery._known_rates()
        if {name: saved.facts.get(name) for name in rates} == rates:
            gallery._thresholds = saved.thresholds
        if golden := saved.facts.get("golden_output"):
            gallery._golden = np.array(golden)
        return gallery


def _embedder_of(
    saved: gallery_file.Saved,
    path: "str | os.PathLike",
    embedder: PhotoEmbedder | None,
    runtime: str,
) -> PhotoEmbedder:
    """The model that a file's embeddings can be compared by."""
    if embedder is None:
        model = saved.facts["model"]
        if model not in known_names():
            raise ValueError(
                f"'{path}' was made with the model {model!r}, which is none "
                "of the zoo: say `embedder` (`--model` on the command line)."
            )
        embedder = PhotoEmbedder.from_preset(model, runtime=runtime)
    require_same_embeddings(saved.facts, embedder.card, f"'{path}'")
    return embedder
