"""The `.npz` file that `embed` writes piece by piece, and goes on with."""

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from keras_hypersphere.zoo.cards.card import Card
    from keras_hypersphere.zoo.faces.embedded_photos import EmbeddedPhotos


class EmbeddingsFile:
    """Embeddings of photos with their names, and the hash of the model.

    Args:
        path: The file. It is replaced at the first `save`.
        card: Of the model that embeds.
        aligned: Whether the photos are crops: then there are no boxes.
    """

    def __init__(self, path: Path, card: "Card", aligned: bool) -> None:
        self.path = path
        self.card = card
        self.rows = {
            "embeddings": np.empty((0, card.dim), np.float32),
            "names": np.empty(0, "U1"),
        }
        if not aligned:
            self.rows["boxes"] = np.empty((0, 4))
            self.rows["landmarks"] = np.empty((0, 5, 2))
            self.rows["confidence"] = np.empty(0)

    def __len__(self) -> int:
        return len(self.rows["names"])

    def read(self) -> set[str]:
        """Takes the rows of the file that is there; returns their names.

        Raises:
            ValueError: If it is no such file, or one of other weights.
        """
        wanted = [*self.rows, "model", "model_sha256"]
        try:
            with np.load(self.path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in wanted}
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
                f"'{self.path}' cannot be resumed: an .npz file with the "
                f"arrays {', '.join(wanted)} was expected "
                f"({type(error).__name__}). Name another file."
            ) from error
        if str(arrays["model_sha256"]) != self.card.weights_sha256:
            raise ValueError(
                f"'{self.path}' cannot be resumed: it holds embeddings of "
                f"{arrays['model']} with other weights than {self.card.name} "
                "has. Name another file."
            )
        self.rows = {name: arrays[name] for name in self.rows}
        return set(self.rows["names"].tolist())

    def add(self, found: "EmbeddedPhotos") -> None:
        """Appends rows."""
        faces = [each.face for each in found.faces]
        new = {"embeddings": found.vectors, "names": np.array(found.names)}
        if faces and "boxes" in self.rows:
            new["boxes"] = np.array([face.box for face in faces])
            new["landmarks"] = np.array([face.landmarks for face in faces])
            new["confidence"] = np.array([face.confidence for face in faces])
        if faces:
            self.rows = {
                name: np.concatenate([rows, new[name]])
                for name, rows in self.rows.items()
            }

    def save(self) -> None:
        """Writes all rows, beside the file's place first."""
        part = self.path.with_name(self.path.name + ".part")
        try:
            with part.open("wb") as file:
                np.savez(
                    file,
                    **self.rows,
                    model=np.array(self.card.name),
                    model_sha256=np.array(self.card.weights_sha256),
                )
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)
