"""Known people, and who of them a photo shows."""

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.faces import gallery_file, index_file
from keras_hypersphere.zoo.faces.embedded_photos import EmbeddedPhotos
from keras_hypersphere.zoo.faces.gallery_changes import people_of
from keras_hypersphere.zoo.faces.identification import Identification
from keras_hypersphere.zoo.faces.photo_embedder import PhotoEmbedder
from keras_hypersphere.zoo.faces.photo_list import Photo
from keras_hypersphere.zoo.faces.same_embeddings import embedding_facts
from keras_hypersphere.zoo.faces.search import require_top_k
from keras_hypersphere.zoo.faces.searched_roster import SearchedRoster
from keras_hypersphere.zoo.faces.verification import find_threshold

if TYPE_CHECKING:
    from keras_hypersphere.zoo.faces.progress_bar import Progress


class Gallery(SearchedRoster):
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
        index: What finds the nearest photos: `"exact"`, all of them;
            `"faiss"`, an index of faiss that fits the number of photos; or a
            string of `faiss.index_factory`, such as `"IVF4096,SQ8"`. An
            index finds candidates; distances are those of the embeddings.

    Raises:
        ValueError: If the arguments do not fit together, or the index is
            none, or one that cannot remove people.
        ImportError: If the index needs faiss, and it is not installed.

    Example:

    >>> import keras_hypersphere as kh
    >>> embedder = kh.zoo.FaceEmbedder.from_preset("dlib-resnet")
    >>> kh.zoo.Gallery(
    ...     embedder, np.eye(2, 128), ["Grace", "Eileen"], ["g.jpg", "e.jpg"])
    <Gallery of dlib-resnet: 2 people, 2 photos>
    """

    @classmethod
    def from_folder(
        cls,
        embedder: PhotoEmbedder,
        folder: "str | os.PathLike",
        choose: str = "largest",
        progress: "Progress" = False,
        index: str = "exact",
    ) -> "Gallery":
        """Embeds photos of known people, to look for them in others.

        Args:
            embedder: The model.
            folder: It holds a folder of photos for each person, named after
                them, or a photo for each, or both.
            choose: Which of several faces: `"largest"` or `"center"`.
            progress: True shows a bar; a function is called with the number
                of photos done and of all.
            index: As of `Gallery`.

        Returns:
            The gallery; its `failures` tell which photos gave no face.

        Raises:
            ValueError: If no photo has a face, or there is none.
            FileNotFoundError: If there is no such folder.
        """
        gallery = cls(embedder, choose=choose, index=index)
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
        embedder = gallery_file.embedder_of(saved, path, embedder, runtime)
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
        if isinstance(photo, np.ndarray) and photo.ndim == 1:
            raise ValueError(
                "`photo` must be a photo; `nearest` takes an embedding. "
                f"Received: an array of shape {photo.shape}"
            )
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

    def _find_threshold(self, threshold: float | None) -> float:
        if threshold is None:
            return self.threshold()
        return find_threshold(self.embedder.card, threshold)

    # === Files ===

    def save(self, path: "str | os.PathLike") -> None:
        """Writes an `.npz` file: photos, people, threshold, and the model's
        hash.

        The file is replaced once it is complete: who was removed is not in
        it any more. The index, if there is one, lies next to it in
        `PATH.index`, and is made again where that has not its vectors.

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
            self.index,
            self._search.by,
        )
        if Path(path).suffix == ".npz":
            index_file.remove_index(Path(path), self._index is not None)
        gallery_file.write_gallery(Path(path), saved)
        if self._index is not None:
            index_file.write_index(Path(path), self._index, self.embeddings)

    @classmethod
    def load(
        cls,
        path: "str | os.PathLike",
        embedder: PhotoEmbedder | None = None,
        runtime: str = "auto",
        index: str | None = None,
    ) -> "Gallery":
        """Reads what `save` wrote.

        Args:
            path: The `.npz` file.
            embedder: The model. Default: the zoo's of the name in the file.
            runtime: What computes the zoo's model.
            index: As of `Gallery`. Default: as the gallery was saved.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no gallery, or one of another model, whose
                embeddings cannot be compared.
        """
        saved = gallery_file.read_gallery(Path(path))
        embedder = gallery_file.embedder_of(saved, path, embedder, runtime)
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
        gallery._make_index(saved.index if index is None else index, embedder)
        gallery._set(gallery._rows)
        if gallery._index is not None:
            index_file.read_index(
                Path(path), gallery._index, gallery.embeddings
            )
        if saved.by == gallery._search.by:
            gallery._others = saved.others
            rates = gallery._known_rates()
            if {name: saved.facts.get(name) for name in rates} == rates:
                gallery._thresholds = saved.thresholds
        if golden := saved.facts.get("golden_output"):
            gallery._golden = np.array(golden)
        return gallery
