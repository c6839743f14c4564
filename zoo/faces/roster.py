"""People of a gallery who come and go."""

import dataclasses
import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.zoo.alignment.selection import check_rule
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.faces.embedded_photos import EmbeddedPhotos
from keras_hypersphere.zoo.faces.enrolled import (
    Enrolled,
    enroll,
    fingerprint,
    require_name,
)
from keras_hypersphere.zoo.faces.gallery_changes import (
    GalleryChanges,
    compare_folder,
    read_people,
)
from keras_hypersphere.zoo.faces.photo_embedder import PhotoEmbedder
from keras_hypersphere.zoo.faces.photo_list import Photo, Photos, name_photos
from keras_hypersphere.zoo.faces.same_embeddings import (
    embedding_facts,
    require_same_embeddings,
)

if TYPE_CHECKING:
    from keras_hypersphere.zoo.faces.progress_bar import Progress

# Of a photo that shows one person: a gallery has no use for "all".
ONE_FACE = ("largest", "center")


class Roster:
    """Photos of known people, an embedding each: what `Gallery` searches.

    Args:
        As of `Gallery`.
    """

    def __init__(
        self,
        embedder: PhotoEmbedder,
        embeddings: np.ndarray | None = None,
        names: Sequence[str] = (),
        photos: Sequence[str] = (),
        failures: dict[str, str] | None = None,
        choose: str = "largest",
        fingerprints: Sequence[str] | None = None,
    ) -> None:
        check_rule("choose", choose, ONE_FACE)
        self.embedder = embedder
        self.failures = dict(failures or {})
        self.choose = choose
        # The embedding of the golden crop, once it is known.
        self._golden: np.ndarray | None = None
        dim = embedder.card.dim
        if embeddings is None:
            embeddings = np.empty((0, dim), np.float32)
        self._set(enroll(embeddings, names, photos, dim, fingerprints))

    def _set(self, rows: Enrolled, kept: Sequence[int] = ()) -> None:
        """Takes other rows: first those of the old ones that are kept."""
        self._rows = rows

    @property
    def embeddings(self) -> np.ndarray:
        """`(photos, dim)` float32."""
        return self._rows.embeddings

    @property
    def names(self) -> list[str]:
        """The person of each photo."""
        return list(self._rows.names)

    @property
    def photos(self) -> list[str]:
        """Where each photo lies."""
        return list(self._rows.photos)

    @property
    def people(self) -> list[str]:
        """The names, each once, sorted."""
        return sorted(set(self._rows.names))

    def __len__(self) -> int:
        """How many people there are."""
        return len(self.people)

    def __repr__(self) -> str:
        failed = f", {len(self.failures)} failed" if self.failures else ""
        return (
            f"<{type(self).__name__} of {self.embedder.card.name}: "
            f"{len(self)} people, {len(self._rows)} photos{failed}>"
        )

    def add(
        self, name: str, photos: Photos, progress: "Progress" = False
    ) -> GalleryChanges:
        """Adds photos of a person, who may be in the gallery already.

        A photo that the person has already is embedded again.

        Args:
            name: The person.
            photos: A photo, a list of them, or a folder.
            progress: True shows a bar; a function is called with the number
                of photos done and of all.

        Returns:
            Which photos were added, and which failed; `failures` keeps
            those too.

        Raises:
            ValueError: If no photo has a face, or an argument is invalid.
        """
        require_name(name)
        named = dict(name_photos(photos))
        prints = {each: fingerprint(photo) for each, photo in named.items()}
        found = self._embed(list(named.values()), progress)
        if not found.faces:
            first = next(iter(found.failures.values()), "there is none")
            raise ValueError(f"No photo of {name!r} has a face: {first}")
        files = {os.path.abspath(each) for each in prints if prints[each]}
        rows = self._rows
        again = [
            row
            for row, photo in enumerate(rows.photos)
            if rows.names[row] == name and os.path.abspath(photo) in files
        ]
        keys = [(name, prints.get(each, "")) for each in found.names]
        return self._take(found, keys, again)

    def remove(self, name: str) -> GalleryChanges:
        """Removes a person with all photos and embeddings.

        `save` the gallery to remove them from its file too.

        Raises:
            ValueError: If the gallery does not have the person.
        """
        if name not in self.people:
            close = difflib.get_close_matches(str(name), self.people, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"`name` must be a person of the gallery: one of `people`, or "
                f"of `keras-hypersphere gallery list`.{hint} "
                f"Received: name={name!r}"
            )
        rows = self._rows
        keep = [row for row in range(len(rows)) if rows.names[row] != name]
        gone = [row for row in range(len(rows)) if rows.names[row] == name]
        stay = {os.path.dirname(rows.photos[row]) for row in keep}
        folders = {os.path.dirname(rows.photos[row]) for row in gone} - stay
        self.failures = {
            photo: why
            for photo, why in self.failures.items()
            if os.path.dirname(photo) not in folders
        }
        self._set(rows.take(keep), keep)
        return GalleryChanges(removed=tuple(rows.photos[row] for row in gone))

    def update(
        self, folder: "str | os.PathLike", progress: "Progress" = False
    ) -> GalleryChanges:
        """Makes the gallery hold the photos that a folder holds now.

        New photos are added, those whose files have changed are embedded
        again, and those that are not there any more are removed, also the
        people who have none left. Photos that the gallery has from
        elsewhere stay. A photo is known by its person and its file's bytes,
        so that the folder may have been moved.

        Args:
            folder: It holds a folder of photos for each person, named after
                them, or a photo for each, or both.
            progress: As in `add`.

        Returns:
            What was added, changed and removed, and what failed.

        Raises:
            ValueError: If the folder has no picture.
            FileNotFoundError: If there is no such folder.
        """
        folder = Path(folder)
        people, unread = read_people(folder)
        plan = compare_folder(self._rows, folder, people, tuple(unread))
        found = self._embed(list(plan.fresh), progress)
        keys = [plan.fresh[photo] for photo in found.names]
        rows = self._rows
        photos = [
            plan.kept.get(row, photo) for row, photo in enumerate(rows.photos)
        ]
        self._rows = dataclasses.replace(rows, photos=photos)
        inside = f"{os.path.abspath(folder)}{os.sep}"
        self.failures = {
            photo: why
            for photo, why in self.failures.items()
            if not os.path.abspath(photo).startswith(inside)
        }
        self.failures |= unread
        changes = self._take(found, keys, plan.gone)
        return dataclasses.replace(
            changes, failures={**unread, **changes.failures}
        )

    def merge(self, other: "Roster") -> GalleryChanges:
        """Adds the people of another gallery; the same name is one person.

        Photos that are in both, with one embedding, are added once.

        Raises:
            ValueError: If its embeddings cannot be compared with these.
        """
        if other.embedder is not self.embedder:
            facts = embedding_facts(other.embedder.card, other._golden_output())
            require_same_embeddings(facts, self.embedder.card, "`other`")

        def keys(rows: Enrolled) -> list[tuple[str, str, bytes]]:
            vectors = [vector.tobytes() for vector in rows.embeddings]
            return list(zip(rows.names, rows.photos, vectors, strict=True))

        mine = set(keys(self._rows))
        theirs = enumerate(keys(other._rows))
        fresh = other._rows.take(
            [row for row, key in theirs if key not in mine]
        )
        self.failures |= other.failures
        self._set(self._rows + fresh, range(len(self._rows)))
        return GalleryChanges(tuple(fresh.photos), failures=other.failures)

    def _embed(
        self, photos: Sequence[Photo], progress: "Progress"
    ) -> EmbeddedPhotos:
        if not photos:
            empty = np.empty((0, self.embedder.card.dim), np.float32)
            return EmbeddedPhotos(empty, [], {})
        return self.embedder.embed(
            list(photos),
            details=True,
            choose=self.choose,
            errors="skip",
            progress=progress,
        )

    def _take(
        self,
        found: EmbeddedPhotos,
        keys: Sequence[tuple[str, str]],
        gone: Sequence[int],
    ) -> GalleryChanges:
        """Puts embedded photos in the place of some rows.

        Args:
            found: The photos.
            keys: Person and fingerprint of each.
            gone: The rows.
        """
        rows, names = self._rows, found.names
        places = {os.path.abspath(rows.photos[row]): row for row in gone}
        left = set(gone)
        keep = [row for row in range(len(rows)) if row not in left]
        fresh = enroll(
            found.vectors,
            [person for person, _ in keys],
            names,
            self.embedder.card.dim,
            [known_by for _, known_by in keys],
        )
        self._set(rows.take(keep) + fresh, keep)
        for name in names:
            self.failures.pop(name, None)
        self.failures |= found.failures
        again = [name for name in names if os.path.abspath(name) in places]
        for name in again:
            del places[os.path.abspath(name)]
        return GalleryChanges(
            tuple(name for name in names if name not in set(again)),
            tuple(again),
            tuple(rows.photos[row] for row in places.values()),
            found.failures,
        )

    def _golden_output(self) -> np.ndarray:
        """What the network makes of the golden crop; it tells it apart."""
        if self._golden is None:
            crop = golden_crop(self.embedder.card)
            self._golden = self.embedder.embed_aligned(crop)
        return self._golden
