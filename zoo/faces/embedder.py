"""FaceEmbedder: photos in, embeddings and decisions out."""

import os
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.zoo.alignment.face_detector import FaceDetector
from keras_hypersphere.zoo.alignment.selection import check_rule
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.faces.aligned_face import AlignedFace, faces_of
from keras_hypersphere.zoo.faces.compare import compare
from keras_hypersphere.zoo.faces.gallery import Gallery
from keras_hypersphere.zoo.faces.photo_embedder import PhotoEmbedder
from keras_hypersphere.zoo.faces.photo_list import Photo
from keras_hypersphere.zoo.faces.progress_bar import Progress
from keras_hypersphere.zoo.faces.verification import (
    Verification,
    find_threshold,
)
from keras_hypersphere.zoo.loading.network import Network
from keras_hypersphere.zoo.loading.preset import save_preset
from keras_hypersphere.zoo.runtimes import make_runtime
from keras_hypersphere.zoo.runtimes.preprocessing import embed_crops

if TYPE_CHECKING:
    import keras


class FaceEmbedder(PhotoEmbedder):
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
        super().__init__(Network(card, model), runtime, detector)

    @property
    def model(self) -> "keras.Model":
        """The Keras model. It may be trained on; it cannot be exchanged."""
        return self._network.model

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
        return Gallery.from_folder(self, folder, choose, progress)

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
        return Verification.decide(self.card, away, threshold, (first, second))

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
        if isinstance(photo, (list, tuple)):
            raise ValueError(
                f"{name} must be a photo, or an embedding as an array: "
                f"`numpy.array(…)` makes one. Received: a "
                f"{type(photo).__name__}"
            )
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
