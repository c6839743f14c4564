"""Photos to embeddings in the batches of an engine for many machines."""

import collections
import contextlib
import dataclasses
import os
import threading
from collections.abc import Generator, Iterable, Mapping
from typing import Any

import numpy as np

from keras_hypersphere.zoo.alignment.face import Face
from keras_hypersphere.zoo.alignment.face_detector import FaceDetector
from keras_hypersphere.zoo.alignment.selection import check_rule
from keras_hypersphere.zoo.faces.aligned_faces import CHOICES, PhotoFaces
from keras_hypersphere.zoo.faces.photo_columns import column, photos_of
from keras_hypersphere.zoo.faces.photo_embedder import PhotoEmbedder
from keras_hypersphere.zoo.faces.photo_list import Named
from keras_hypersphere.zoo.faces.photo_stream import (
    embed_stream,
    require_batch_size,
)
from keras_hypersphere.zoo.runtimes.runtime import MANY_TO_COPY, RUNTIMES

# Two threads of one process load one embedder.
LOADING = threading.Lock()


@dataclasses.dataclass(frozen=True, eq=False)
class PhotoRow:
    """What became of one face, or of a photo that gave none.

    Args:
        name: The photo's name.
        face: Box and confidence; None for crops and failures.
        vector: `(dim,)` float32, or None.
        problem: Why there is none.
    """

    name: str
    face: Face | None = None
    vector: np.ndarray | None = None
    problem: Exception | None = None


class BulkEmbedder:
    """Maps a batch of photos to columns: embeddings, boxes, errors.

    Engines such as Ray Data, Spark and Beam send a function to many worker
    processes and call it there with a dictionary of columns. This is such a
    function. It is pickled as its arguments alone: each process that calls
    it loads the model at its first call. With `runtime="opencv"` it imports
    no Keras, and is loaded in less than a second.

    A row equals the row of `FaceEmbedder.embed` with the same runtime,
    whatever the batch holds besides. A photo without a face, or one that
    cannot be read, is a row with an `error`: it stops nothing.

    Args:
        model: A model's name, a folder, or `hf://owner/name`: see
            `FaceEmbedder.from_preset`. It must be there in each process.
        runtime: What computes the network: see `FaceEmbedder`. `"auto"`
            takes what is fastest for many photos among what is installed:
            name a runtime where machines differ, for runtimes agree to 1e-5
            only. Default: `"auto"`.
        batch_size: Faces that go through the network together; the batch of
            a call may be larger. Default: 32.
        choose: Which of several faces of a photo: `"largest"`, `"center"`,
            or `"all"`, a row for each. Default: `"largest"`.
        aligned: The photos are aligned crops already: nothing is detected.
            Default: False.
        detector: `"yunet"`, `"mtcnn"`, or a `zoo.alignment.FaceDetector`.
            Default: `"yunet"`.

    Call arguments:
        batch: A mapping with `path`, names of files, or `bytes`, the
            contents of files, or both: then the bytes are read, and the path
            is a name. Lists, object arrays or pyarrow columns.

    Output:
        A dictionary of columns of one length, a row for each photo in order
        (with `choose="all"` for each face):

        * `path`: object array of str; None where the batch has none.
        * `embedding`: object array of lists of `dim` float32; None.
        * `box`: object array of lists of 4 floats, left, top, width and
          height in pixels; None for failures and crops.
        * `confidence`: float64 array; NaN for failures and crops.
        * `error`: object array of str; None where there is none.

        Lists, not arrays, since Arrow's types of lists have nulls.

    Raises:
        ValueError: If an argument or the batch is invalid; in the first call
            also if there is no such model.
        ImportError: In the first call, if what a runtime needs is not
            installed.

    Example:

    >>> from pathlib import Path
    >>> embed = kh.zoo.BulkEmbedder("sface", runtime="opencv")
    >>> photo = Path(kh.zoo.__file__).parent / "samples/grace_hopper.jpg"
    >>> rows = embed({"path": [str(photo), "no.jpg"]})
    >>> len(rows["embedding"][0]), rows["embedding"][1]
    (128, None)
    >>> rows["error"][1]
    "There is no photo 'no.jpg'. Check its name."
    """

    def __init__(
        self,
        model: "str | os.PathLike" = "sface",
        runtime: str = "auto",
        batch_size: int = 32,
        choose: str = "largest",
        aligned: bool = False,
        detector: "str | FaceDetector" = "yunet",
    ) -> None:
        check_rule("runtime", runtime, RUNTIMES)
        require_batch_size(batch_size)
        check_rule("choose", choose, CHOICES)
        if not isinstance(detector, FaceDetector):
            FaceDetector(detector)
        self.model = model
        self.runtime = runtime
        self.batch_size = batch_size
        self.choose = choose
        self.aligned = aligned
        self.detector = detector
        self._loaded: tuple[int, PhotoEmbedder] | None = None

    def __getstate__(self) -> dict:
        return {**vars(self), "_loaded": None}

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.model}: runtime {self.runtime}, "
            f"choose {self.choose}>"
        )

    @property
    def embedder(self) -> PhotoEmbedder:
        """The embedder of this process; the first call loads it."""
        with LOADING:
            # What a fork inherits belongs to the process before it.
            if self._loaded is None or self._loaded[0] != os.getpid():
                embedder = PhotoEmbedder.from_preset(
                    self.model, self.runtime, self.detector
                )
                # A batch is a part of many.
                embedder.settle(MANY_TO_COPY)
                self._loaded = os.getpid(), embedder
            return self._loaded[1]

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, np.ndarray]:
        paths, photos = photos_of(batch)
        found = list(self.stream(photos))
        # Names of photos without a path are their places, for messages.
        named = {
            name: path for (name, _), path in zip(photos, paths, strict=True)
        }
        return {
            "path": column([named[row.name] for row in found]),
            "embedding": column(
                [None if row.vector is None else [*row.vector] for row in found]
            ),
            "box": column(
                [
                    None if row.face is None else [*map(float, row.face.box)]
                    for row in found
                ]
            ),
            "confidence": np.array(
                [row.face.confidence if row.face else np.nan for row in found],
                np.float64,
            ),
            "error": column(
                [
                    None if row.problem is None else str(row.problem)
                    for row in found
                ]
            ),
        }

    def stream(self, photos: Iterable[Named]) -> Generator[PhotoRow]:
        """Yields a row for each face, and for each photo that gave none.

        Args:
            photos: Name and photo of each, see `zoo.images.read`. Asked for
                one by one, so there may be more than memory holds.

        Returns:
            An iterator of `PhotoRow`, in the order of the photos. If it is
            not read to its end, `close()` it.
        """
        embedder = self.embedder
        aligned = embedder.align_named(photos, self.aligned, self.choose)
        waiting: collections.deque[PhotoFaces] = collections.deque()

        def noted() -> Generator[PhotoFaces]:
            with contextlib.closing(aligned):
                for photo in aligned:
                    waiting.append(photo)
                    yield photo

        parts = embed_stream(
            noted(),
            embedder.settle(MANY_TO_COPY),
            embedder.card,
            self.batch_size,
            strict=False,
            crops=False,
            show=lambda done: None,
        )
        with contextlib.closing(parts):
            for part in parts:
                vectors = collections.deque(part.vectors)
                while waiting and (vectors or waiting[0].problem is not None):
                    photo = waiting.popleft()
                    if photo.problem is not None:
                        yield PhotoRow(photo.name, problem=photo.problem)
                    for each in photo.faces:
                        vector = vectors.popleft()
                        yield PhotoRow(photo.name, each.face, vector)
