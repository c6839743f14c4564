"""The index of a gallery on disk, next to its file: a cache."""

import hashlib
import json
import warnings
from pathlib import Path

import numpy as np

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.npz_damage import DAMAGE
from keras_hypersphere.zoo.faces.face_index import FaceIndex
from keras_hypersphere.zoo.faces.index_kinds import faiss

FORMAT = 1


def index_path(gallery: Path) -> Path:
    """Where the index of a gallery's file lies."""
    return gallery.with_name(f"{gallery.name}.index")


def remove_index(gallery: Path, wanted: bool) -> None:
    """Removes the file, which may hold people who are gone, if it is ours.

    Another file stays, and is an error if an index is wanted in its place.
    """
    path = index_path(gallery)
    if path.is_file() and _is_ours(path):
        path.unlink()
    elif wanted and path.exists():
        raise FileExistsError(
            f"'{path}' is where the index of this gallery belongs, and it is "
            "no index: move it, or save the gallery under another name."
        )


def _is_ours(path: Path) -> bool:
    """An archive that begins with the facts of an index."""
    with open(path, "rb") as file:
        start = file.read(64)
    return start.startswith(b"PK") and b"facts.npy" in start


def write_index(gallery: Path, index: FaceIndex, vectors: np.ndarray) -> None:
    """Writes the index of these rows, unless they have none.

    The file says of which vectors it is, by their number and SHA-256. It is
    an archive with checksums, so that damage shows.
    """
    made = index.whole(vectors)
    if made is None:
        return
    with atomic_write(index_path(gallery)) as file:
        np.savez(
            file,
            facts=np.array(json.dumps(_facts(index, vectors))),
            trained=np.array(index.trained),
            index=faiss().serialize_index(made),
        )


def read_index(gallery: Path, index: FaceIndex, vectors: np.ndarray) -> None:
    """Reads what `write_index` wrote, if it is of these rows.

    Otherwise a warning says so, and the index is made again when it is
    needed.
    """
    path = index_path(gallery)
    why = "is missing"
    if path.is_file():
        try:
            with np.load(path, allow_pickle=False) as file:
                facts = json.loads(str(file["facts"]))
                if facts == _facts(index, vectors):
                    made = faiss().deserialize_index(file["index"])
                    if made.ntotal == len(vectors) and index.put(
                        made, facts["kind"], int(file["trained"])
                    ):
                        return
            why = "is of other embeddings, or another index"
        except PermissionError:
            raise
        except DAMAGE as error:
            why = f"is damaged ({type(error).__name__})"
    if index.could_be(len(vectors)):
        warnings.warn(
            f"The index '{path}' {why}: it is made again from the gallery. "
            "Save the gallery to keep it.",
            stacklevel=3,
        )


def _facts(index: FaceIndex, vectors: np.ndarray) -> dict[str, object]:
    """What an index on disk must be of."""
    rows = np.ascontiguousarray(vectors, np.float32)
    return {
        "format": FORMAT,
        "kind": index.kind_of(len(vectors)),
        "distance": index.distance,
        "count": len(vectors),
        "dim": index.dim,
        "sha256": hashlib.sha256(rows.data).hexdigest(),
    }
