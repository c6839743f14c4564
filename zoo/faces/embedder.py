"""FaceEmbedder: photos in, embeddings and decisions out."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.alignment.face_detector import FaceDetector
from keras_hypersphere.zoo.alignment.selection import check_rule
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.faces.aligned_face import AlignedFace, faces_of
from keras_hypersphere.zoo.faces.aligned_faces import (
    CHOICES,
    align_photos,
    read_crops,
)
from keras_hypersphere.zoo.faces.compare import compare
from keras_hypersphere.zoo.faces.embedded_photos import (
    EmbeddedPhotos,
    join_parts,
)
from keras_hypersphere.zoo.faces.gallery import Gallery, person_of
from keras_hypersphere.zoo.faces.photo_list import (
    Photo,
    Photos,
    is_single,
    name_photos,
)
from keras_hypersphere.zoo.faces.photo_stream import (
    embed_stream,
    require_batch_size,
)
from keras_hypersphere.zoo.faces.preprocessing import embed_crops
from keras_hypersphere.zoo.faces.progress_bar import Progress, shower
from keras_hypersphere.zoo.faces.verification import (
    Verification,
    find_threshold,
)
from keras_hypersphere.zoo.loading.network import Network
from keras_hypersphere.zoo.loading.preset import open_preset, save_preset
from keras_hypersphere.zoo.runtimes import make_runtime
from keras_hypersphere.zoo.runtimes.engine import Engine
from keras_hypersphere.zoo.runtimes.keras_engine import KerasEngine

if TYPE_CHECKING:
    import keras


class FaceEmbedder:
    """Turns photos of faces into embeddings, and compares them.

    A photo is read (`zoo.images`), its faces are detected, one of them is
    aligned to the card's template, preprocessed and embedded by the
    network. Where a photo has several faces, the largest is taken, with
    `choose="center"` the one nearest to the middle, with `choose="all"`
    each.

    Keras is imported, and the model built, when somebody asks for `.model`,
    saves, or the runtime needs it.

    Args:
        model: The network: preprocessed crops to embeddings.
        card: How it is used: see `Card`.
        runtime: What computes the network: `"opencv"`, OpenCV's dnn, which
            reads the file of the packaged model and needs no Keras;
            `"keras"`; `"openvino"` or `"onnx"`, OpenVINO or ONNX Runtime,
            which need `pip install keras-hypersphere[runtime]`; or `"auto"`,
            which takes at the start of each run what is fastest: see
            `zoo.runtimes.runtime`. `engine` tells which it was. As unit
            vectors, embeddings are those of Keras to 1e-5. Default:
            `"auto"`.
        detector: What finds faces: `"yunet"` or `"mtcnn"`, or a
            `zoo.alignment.FaceDetector`, which has further options.

    Raises:
        ValueError: If the model does not fit the card, or there is no such
            runtime or detector.
        ImportError: If what a runtime needs is not installed.

    Example:

    >>> import keras_hypersphere as kh
    >>> embedder = kh.zoo.FaceEmbedder.from_preset("sface")
    >>> embedder
    <FaceEmbedder sface: 128 numbers a face, cosine distance, runtime auto>
    """

    def __init__(
        self,
        model: "keras.Model",
        card: Card,
        runtime: str = "auto",
        detector: "str | FaceDetector" = "yunet",
    ) -> None:
        from keras_hypersphere.zoo.loading.card_check import check_model

        check_model(model, card)
        self._set(Network(card, model), runtime, detector)

    def _set(
        self, network: Network, runtime: str, detector: "str | FaceDetector"
    ) -> None:
        self._network = network
        self.card = network.card
        self.runtime = runtime
        self.detector = (
            detector
            if isinstance(detector, FaceDetector)
            else FaceDetector(detector)
        )
        self._runtime = make_runtime(runtime, network)
        self.engine: str | None = None

    def __repr__(self) -> str:
        return (
            f"<FaceEmbedder {self.card.name}: {self.card.dim} numbers a face, "
            f"{self.card.distance} distance, runtime {self.runtime}>"
        )

    @property
    def model(self) -> "keras.Model":
        """The Keras model. It may be trained on; it cannot be exchanged."""
        return self._network.model

    @classmethod
    def from_preset(
        cls,
        preset: "str | os.PathLike",
        runtime: str = "auto",
        detector: "str | FaceDetector" = "yunet",
    ) -> "FaceEmbedder":
        """Loads a model of the zoo, or one from a folder or the Hub.

        Args:
            preset: A name of `list_models()`, a folder written by
                `save_to_preset`, or `hf://owner/name`, such a folder on the
                Hugging Face Hub. A name is the zoo's even if there is such
                a folder; a `Path` is a folder.
            runtime: What computes the network: see the class. Default:
                `"auto"`.
            detector: What finds faces: see the class. Default: `"yunet"`.

        Raises:
            ValueError: If there is no such name, or a file is damaged.
            FileNotFoundError: If a file is missing.
            ImportError: If what a runtime needs is not installed.
        """
        embedder = cls.__new__(cls)
        network = open_preset(preset)
        if network.file is None:
            # A file that does not load, or fit, is told at once.
            network.model  # noqa: B018
        embedder._set(network, runtime, detector)
        return embedder

    def save_to_preset(self, folder: "str | os.PathLike") -> Card:
        """Writes `model.keras` and `card.json`; returns the card.

        The card's golden output is computed in Keras, whatever the runtime.
        If the weights have changed since the card was made, the card that
        is written is that of `Card.fine_tuned`: without threshold and
        results. Of an embedder whose card comes from there, the threshold
        is kept.

        Args:
            folder: Made if it is not there; not a name of `list_models()`.

        Raises:
            ValueError: If `folder` is such a name, or embeddings are not
                finite.
        """
        pixels = golden_crop(self.card)[None]
        engine = make_runtime("keras", self._network).start()
        golden = embed_crops(pixels, engine, self.card)[0]
        return save_preset(self.model, self.card, golden, folder)

    def embed_aligned(
        self, crops: np.ndarray, batch_size: int = 32
    ) -> np.ndarray:
        """Embeds crops that are aligned already.

        Args:
            crops: `(height, width, 3)` or `(batch, height, width, 3)`, RGB,
                values 0 to 255, of the card's size, aligned to its template:
                see `alignment.align`.
            batch_size: Crops that go through the network together.

        Returns:
            `(dim,)` or `(batch, dim)` float32 array.

        Raises:
            ValueError: If the crops have another shape, or values outside
                0 to 255.
        """
        size = self.card.input_shape[:2]
        try:
            crops = np.asarray(crops)
        except ValueError as error:
            raise ValueError(
                f"`crops` must all have the shape {(*size, 3)}. "
                f"Received: crops of different shapes. {self._advice()}"
            ) from error
        if crops.ndim not in (3, 4) or crops.shape[-3:] != (*size, 3):
            raise ValueError(
                f"`crops` must have the shape {(*size, 3)} or "
                f"{('batch', *size, 3)}. Received: shape={crops.shape}. "
                f"{self._advice()}"
            )
        require_batch_size(batch_size)
        batch = crops[None] if crops.ndim == 3 else crops
        engine = self._start(len(batch))
        vectors = np.empty((len(batch), self.card.dim), np.float32)
        for start in range(0, len(batch), batch_size):
            part = batch[start : start + batch_size]
            vectors[start : start + len(part)] = embed_crops(
                [images.as_bytes(crop) for crop in part], engine, self.card
            )
        return vectors[0] if crops.ndim == 3 else vectors

    def _start(self, count: int | None) -> "Engine | KerasEngine":
        """What computes a run of so many photos; None: not known."""
        engine = self._runtime.start(count)
        self.engine = engine.name
        return engine

    @overload
    def embed(
        self,
        photos: Photos,
        details: Literal[False] = False,
        crops: bool = False,
        aligned: bool = False,
        choose: str = "largest",
        errors: str | None = None,
        batch_size: int = 32,
        progress: Progress = False,
    ) -> np.ndarray: ...

    @overload
    def embed(
        self,
        photos: Photos,
        details: Literal[True],
        crops: bool = False,
        aligned: bool = False,
        choose: str = "largest",
        errors: str | None = None,
        batch_size: int = 32,
        progress: Progress = False,
    ) -> EmbeddedPhotos: ...

    def embed(
        self,
        photos: Photos,
        details: bool = False,
        crops: bool = False,
        aligned: bool = False,
        choose: str = "largest",
        errors: str | None = None,
        batch_size: int = 32,
        progress: Progress = False,
    ) -> np.ndarray | EmbeddedPhotos:
        """Embeds one face of each photo, or all of them.

        Photos are read, searched and aligned in threads next to the
        network, each by itself: a row does not depend on the other photos.

        Args:
            photos: A photo (file name or array, see `images.read`), a list
                of them, or a folder: all pictures below it, by name. A
                list may hold folders.
            details: Return an `EmbeddedPhotos`: vectors, the names, boxes
                and landmarks of their photos, and failures.
            crops: Keep the aligned crops in the details.
            aligned: The photos are aligned crops already: nothing is
                detected, and the details have no boxes.
            choose: Which of several faces: `"largest"`, `"center"`, or
                `"all"`: a row for each face.
            errors: What a photo without a face, or an unreadable one, does:
                `"raise"` an error that names it, or `"skip"` it; then the
                details report it. Default: `"skip"` for a folder, which
                therefore needs `details`, else `"raise"`.
            batch_size: Faces that go through the network together.
            progress: True shows a bar; a function is called with the number
                of photos done and of all.

        Returns:
            `(dim,)` for one photo, `(photos, dim)` for several,
            `(faces, dim)` with `choose="all"`, float32; or `EmbeddedPhotos`.

        Raises:
            NoFaceError: If a photo has no face.
            ValueError: If a photo cannot be read, or an argument is invalid.
            FileNotFoundError: If there is no such file.
        """
        single = is_single(photos)
        is_folder = not single and isinstance(photos, (str, os.PathLike))
        errors = errors or ("skip" if is_folder else "raise")
        if errors == "skip" and not details:
            raise ValueError(
                "`errors='skip'`, the default for a folder, leaves rows out: "
                "say `details=True` to see which. Received: details=False"
            )
        parts = self.stream(
            photos, crops, aligned, choose, errors, batch_size, progress
        )
        found = join_parts(parts, self.card.dim)
        if details:
            return found
        one = single and choose != "all"
        return found.vectors[0] if one else found.vectors

    def stream(
        self,
        photos: Photos,
        crops: bool = False,
        aligned: bool = False,
        choose: str = "largest",
        errors: str = "skip",
        batch_size: int = 32,
        progress: Progress = False,
    ) -> Generator[EmbeddedPhotos]:
        """Embeds photos as `embed` does, and yields them as they are done.

        What is done can so be kept before all is, and more photos be
        embedded than memory holds.

        Args:
            photos, crops, aligned, choose, batch_size, progress: As in
                `embed`.
            errors: As in `embed`. Default: `"skip"`.

        Returns:
            An iterator of `EmbeddedPhotos`, one for each batch, in the order
            of the photos. If it is not read to its end, `close()` it.

        Raises:
            ValueError, FileNotFoundError: As `embed`; for an argument at
                once.
        """
        check_rule("choose", choose, CHOICES)
        check_rule("errors", errors, ("raise", "skip"))
        require_batch_size(batch_size)
        named = name_photos(photos)
        if not aligned:
            self.require_template()
        return embed_stream(
            read_crops(named, self.card.input_shape[:2])
            if aligned
            else align_photos(
                named, self.card.template, choose, detector=self.detector
            ),
            self._start(len(named)),
            self.card,
            batch_size,
            strict=errors == "raise",
            crops=crops,
            show=shower(progress, len(named)),
        )

    def gallery(
        self,
        folder: "str | os.PathLike",
        choose: str = "largest",
        progress: Progress = False,
    ) -> Gallery:
        """Embeds photos of known people, to look for them in others.

        Args:
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
        folder = Path(folder)
        if not folder.is_dir():
            raise FileNotFoundError(f"There is no folder '{folder}'.")
        found = self.embed(
            folder, details=True, choose=choose, progress=progress
        )
        if not found.faces:
            first = next(iter(found.failures.values()))
            raise ValueError(f"No photo in '{folder}' has a face: {first}")
        people = [person_of(photo, folder) for photo in found.names]
        return Gallery(self, found.vectors, people, found.names, found.failures)

    def verify(
        self,
        a: Photo,
        b: Photo,
        threshold: float | None = None,
        choose: str = "largest",
    ) -> Verification:
        """Decides whether two photos show the same person.

        Args:
            a: A photo, or its embedding.
            b: Another photo, or embedding.
            threshold: Two faces below this distance are the same person.
                Default: the card's.
            choose: Which of several faces: `"largest"` or `"center"`.

        Returns:
            The decision, the distance, the threshold and the faces.

        Raises:
            NoFaceError: If a photo has no face.
            ValueError: If a photo cannot be read, or neither the card nor
                you say a threshold.
            FileNotFoundError: If there is no such file.
        """
        check_rule("choose", choose)
        threshold = find_threshold(self.card, threshold)
        left, first = self._vector_of(a, choose, "the first photo")
        right, second = self._vector_of(b, choose, "the second photo")
        away = float(compare(left, right, self.card.distance))
        return Verification(away < threshold, away, threshold, (first, second))

    def _vector_of(
        self, photo: Photo, choose: str, name: str
    ) -> tuple[np.ndarray, AlignedFace | None]:
        """The embedding of a photo and its face; a vector has none."""
        if isinstance(photo, np.ndarray) and photo.ndim == 1:
            if photo.shape != (self.card.dim,):
                raise ValueError(
                    f"{name} must be a photo, or an embedding of "
                    f"{self.card.dim} numbers. Received: an array of shape "
                    f"{photo.shape}"
                )
            return photo, None
        self.require_template()
        if isinstance(photo, (str, os.PathLike)):
            name = os.fspath(photo)
        [face] = faces_of(
            name, photo, self.card.template, choose, self.detector
        )
        return self.embed_aligned(np.asarray(face.crop)), face

    def compare(self, u: np.ndarray, v: np.ndarray) -> np.ndarray | float:
        """Returns the distances of vectors that were embedded already.

        Args:
            u: `(dim,)` or `(..., dim)`.
            v: The same; leading sizes broadcast, so that
                `compare(u[:, None], v[None])` is a table.

        Returns:
            A float for two vectors, else an array; smaller is more alike.
            Below the threshold of `card` they are the same person.

        Raises:
            ValueError: If the vectors do not fit each other, or are not
                finite.
        """
        return compare(u, v, self.card.distance)

    def require_template(self) -> None:
        """Raises if the network takes crops that are no aligned faces."""
        if self.card.template == "none":
            raise ValueError(
                f"{self.card.name} takes no photos: its crops are no aligned "
                f"faces. {self._advice()}"
            )

    def _advice(self) -> str:
        """How to call the embedder with what it takes."""
        if self.card.template == "none":
            return "Use `embed_aligned`, or `embed(..., aligned=True)`."
        wanted = self.card.template
        return f"Use `embed` for photos, or `align` them to {wanted}."
