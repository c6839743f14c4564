"""Embeddings that were made elsewhere, found by the names of their photos."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from keras_hypersphere.npz_damage import DAMAGE
from keras_hypersphere.tools.evaluation.embedding import EmbeddedPhotos


@dataclasses.dataclass(frozen=True, eq=False)
class Stored:
    """The rows of an `.npz` file.

    Args:
        path: The file.
        embeddings: `(n, d)`.
        names: The photo of each row, with `/` between folders.
        model: The model's name, where the file says it.
        labels: `(n,)` the person of each row, where the file says it.
    """

    path: Path
    embeddings: np.ndarray
    names: list[str]
    model: str | None
    labels: np.ndarray | None

    def rows_of(self, photos: Sequence[str]) -> EmbeddedPhotos:
        """Finds photos by name; one that is not there has failed.

        A stored name may start with further folders: `embed` writes paths as
        they were typed.

        Raises:
            ValueError: If none is there, or a name fits several rows.
        """
        depths = {len(PurePosixPath(photo).parts) for photo in photos}
        rows: dict[str, int] = {}
        twice: dict[str, int] = {}
        for row, name in enumerate(self.names):
            for ending in endings(name, depths):
                if rows.setdefault(ending, row) != row:
                    twice[ending] = row
        for photo in photos:
            if photo in twice:
                raise ValueError(
                    f"{self.path}: {photo!r} may be "
                    f"{self.names[rows[photo]]!r} or "
                    f"{self.names[twice[photo]]!r}. Name every photo once."
                )
        failed = np.array([photo not in rows for photo in photos])
        if failed.all():
            raise ValueError(
                f"{self.path} names none of the {len(photos)} photos. A "
                f"photo is named {photos[0]!r}; the file's rows are named "
                f"{', '.join(map(repr, self.names[:2]))}."
            )
        places = [rows.get(photo, 0) for photo in photos]
        embeddings = self.embeddings[places]
        embeddings[failed] = 0
        failures = {
            photo: f"not in {self.path.name}"
            for photo, gone in zip(photos, failed, strict=True)
            if gone
        }
        return EmbeddedPhotos(embeddings, failures, failed)


def endings(name: str, depths: set[int]) -> list[str]:
    """The last folders and the file of a name, of the given lengths."""
    parts = PurePosixPath(name).parts
    return ["/".join(parts[-d:]) for d in depths if d <= len(parts)]


def read_stored(path: "str | os.PathLike") -> Stored:
    """Reads an `.npz` file of embeddings.

    Args:
        path: A file as `keras-hypersphere embed` writes: the arrays
            `embeddings`, `(n, d)`, and `names`, `(n,)` paths of photos. An
            array `labels` with the person of each row, and the name of the
            `model`, are read where they are there.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no such file.
    """
    path = Path(path)
    arrays = read_arrays(path)
    if not {"embeddings", "names"} <= set(arrays):
        raise ValueError(
            f"{path}: expected the arrays `embeddings` and `names`. "
            f"Received: {', '.join(sorted(arrays)) or 'no arrays'}."
        )
    embeddings, names = arrays["embeddings"], arrays["names"]
    if embeddings.ndim != 2 or embeddings.dtype.kind not in "fiu":
        raise ValueError(
            f"{path}: `embeddings` must be a matrix of numbers. Received: "
            f"shape {embeddings.shape}, dtype {embeddings.dtype}."
        )
    if names.shape != (len(embeddings),) or names.dtype.kind != "U":
        raise ValueError(
            f"{path}: `names` must hold one text for each of the "
            f"{len(embeddings)} rows of `embeddings`. Received: names of "
            f"shape {names.shape}, dtype {names.dtype}."
        )
    labels = arrays.get("labels")
    if labels is not None and labels.shape != (len(embeddings),):
        raise ValueError(
            f"{path}: `labels` must hold one person for each of the "
            f"{len(embeddings)} rows. Received: shape {labels.shape}."
        )
    named = [name.replace("\\", "/") for name in names.tolist()]
    model = str(arrays["model"]) if "model" in arrays else None
    return Stored(path, embeddings, named, model, labels)


def read_gallery(path: "str | os.PathLike") -> np.ndarray:
    """Reads embeddings without names: `.npz`, or `.npy`, which is mapped."""
    path = Path(path)
    if path.suffix.lower() != ".npy":
        arrays = read_arrays(path)
        if "embeddings" not in arrays:
            raise ValueError(
                f"{path}: expected the array `embeddings`. "
                f"Received: {', '.join(sorted(arrays)) or 'no arrays'}."
            )
        return arrays["embeddings"]
    if not path.is_file():
        raise FileNotFoundError(f"No such file of embeddings: {path}")
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGE as error:
        raise ValueError(
            f"{path}: not a NumPy file ({type(error).__name__})."
        ) from error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file."""
    if not path.is_file():
        raise FileNotFoundError(f"No such file of embeddings: {path}")
    try:
        # A lone .npy file is an array, which no `with` accepts.
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except DAMAGE as error:
        raise ValueError(
            f"{path}: not an .npz file of embeddings ({type(error).__name__})."
        ) from error
