"""Photos and crops become embeddings."""

import os
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.alignment.face_detector import FaceDetector
from keras_hypersphere.zoo.alignment.selection import check_rule
from keras_hypersphere.zoo.faces.aligned_faces import (
    CHOICES,
    PhotoFaces,
    align_photos,
    read_crops,
)
from keras_hypersphere.zoo.faces.embedded_photos import (
    EmbeddedPhotos,
    join_parts,
)
from keras_hypersphere.zoo.faces.photo_list import (
    Named,
    Photos,
    is_single,
    iterate_photos,
)
from keras_hypersphere.zoo.faces.photo_stream import (
    embed_stream,
    require_batch_size,
)
from keras_hypersphere.zoo.faces.progress_bar import Progress, shower
from keras_hypersphere.zoo.loading.network import Network
from keras_hypersphere.zoo.loading.preset import open_preset
from keras_hypersphere.zoo.runtimes import make_runtime
from keras_hypersphere.zoo.runtimes.engine import Engine
from keras_hypersphere.zoo.runtimes.keras_engine import KerasEngine
from keras_hypersphere.zoo.runtimes.preprocessing import embed_crops

if TYPE_CHECKING:
    from typing_extensions import Self


class PhotoEmbedder:
    """Turns photos and crops into embeddings: the part of `FaceEmbedder`
    that knows no people.

    Args:
        network: The network and its card.
        runtime: What computes it: see `FaceEmbedder`.
        detector: What finds faces: see `FaceEmbedder`.
    """

    def __init__(
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
            f"<{type(self).__name__} {self.card.name}: {self.card.dim} numbers "
            f"a face, {self.card.distance} distance, runtime {self.runtime}>"
        )

    @classmethod
    def from_preset(
        cls,
        preset: "str | os.PathLike",
        runtime: str = "auto",
        detector: "str | FaceDetector" = "yunet",
    ) -> "Self":
        """Loads a model of the zoo, or one from a folder or the Hub.

        Args:
            preset: A name of `list_models()`, a folder written by
                `save_to_preset`, or `hf://owner/name`, such a folder on the
                Hugging Face Hub. A name is the zoo's even if there is such
                a folder; a `Path` is a folder.
            runtime: What computes the network: see `FaceEmbedder`.
                Default: `"auto"`.
            detector: What finds faces: see `FaceEmbedder`. Default: `"yunet"`.

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
        PhotoEmbedder.__init__(embedder, network, runtime, detector)
        return embedder

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

    def settle(self, count: int) -> "Engine | KerasEngine":
        """What computes a run of so many photos, and all runs from now on."""
        engine = self._start(count)
        self._runtime.name = engine.name
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
        named, count = iterate_photos(photos, aligned)
        return embed_stream(
            self.align_named(named, aligned, choose),
            self._start(count),
            self.card,
            batch_size,
            strict=errors == "raise",
            crops=crops,
            show=shower(progress, count),
        )

    def align_named(
        self, named: Iterable[Named], aligned: bool, choose: str
    ) -> Generator[PhotoFaces]:
        """Yields the crops of each photo, or what is wrong with it.

        Raises:
            ValueError: If the network takes no photos.
        """
        if aligned:
            return read_crops(named, self.card.input_shape[:2])
        self.require_template()
        return align_photos(
            named, self.card.template, choose, detector=self.detector
        )

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
