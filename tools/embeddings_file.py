"""The `.npz` file that `embed` writes piece by piece, and goes on with."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_hypersphere.npz_damage import DAMAGE

if TYPE_CHECKING:
    from keras_hypersphere.zoo.cards.card import Card
    from keras_hypersphere.zoo.faces.embedded_photos import EmbeddedPhotos

# Seconds between two writings, and how many times as long as one took.
SECONDS = 30.0
TIMES = 20.0
# What files say that do not say which of several faces was chosen.
BEFORE = "largest"


class EmbeddingsFile:
    """Embeddings of photos with their names, and how they were made.

    Args:
        path: The file. It is replaced at the first `save`.
        card: Of the model that embeds.
        aligned: Whether the photos are crops: then there are no boxes.
        choose: Which of several faces of a photo is embedded.
    """

    def __init__(
        self,
        path: Path,
        card: "Card",
        aligned: bool,
        choose: str = "largest",
    ) -> None:
        self.path = path
        self.card = card
        self.aligned = aligned
        self.choose = choose
        self.rows: dict[str, Any] = {
            "embeddings": np.empty((0, card.dim), np.float32),
            "names": np.empty(0, "U1"),
        }
        if not aligned:
            self.rows["boxes"] = np.empty((0, 4))
            self.rows["landmarks"] = np.empty((0, 5, 2))
            self.rows["confidence"] = np.empty(0)
        self.added: list[dict[str, np.ndarray]] = []
        self.saved = 0
        self.next_save = time.monotonic() + SECONDS

    def __len__(self) -> int:
        return sum(len(part["names"]) for part in (self.rows, *self.added))

    def read(self) -> set[str]:
        """Takes the rows of the file that is there; returns their names.

        Raises:
            ValueError: If it is no such file, or its embeddings are of other
                weights, of crops instead of photos or the other way round,
                or of other faces.
        """
        wanted = ["embeddings", "names", "model", "model_sha256"]
        try:
            with np.load(self.path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in wanted}
                arrays |= {name: file[name] for name in file.files}
            # Files of before these fields.
            aligned = bool(arrays.get("aligned", "boxes" not in arrays))
            choose = str(arrays.get("choose", BEFORE))
        except DAMAGE as error:
            raise self.refusal(
                f"an .npz file with the arrays {', '.join(wanted)} was "
                f"expected ({type(error).__name__})"
            ) from error
        if str(arrays["model_sha256"]) != self.card.weights_sha256:
            raise self.refusal(
                f"it holds embeddings of {arrays['model']} with other "
                f"weights than {self.card.name} has"
            )
        if aligned and not self.aligned:
            raise self.refusal(
                "it holds embeddings of aligned crops", "Say --aligned"
            )
        if self.aligned and not aligned:
            raise self.refusal(
                "it holds embeddings of photos, not of aligned crops",
                "Leave out --aligned",
            )
        if not aligned and choose != self.choose:
            said = "was" if "choose" in arrays else "seems to have been"
            raise self.refusal(
                f"it {said} made with --choose {choose}",
                f"Say --choose {choose}",
            )
        count = len(np.atleast_1d(arrays["names"]))
        for name, mine in self.rows.items():
            shape = (count, *mine.shape[1:])
            if name not in arrays or arrays[name].shape != shape:
                raise self.refusal(
                    f"its array {name} does not have the shape {shape}"
                )
        self.rows = {name: arrays[name] for name in self.rows}
        self.saved = count
        return set(self.rows["names"].tolist())

    def refusal(self, why: str, hint: str = "") -> ValueError:
        """What is wrong with the file that is there, and what to do."""
        hint = f"{hint}, or name" if hint else "Name"
        return ValueError(
            f"'{self.path}' cannot be resumed: {why}. {hint} another file."
        )

    def add(self, found: "EmbeddedPhotos") -> None:
        """Appends rows."""
        faces = [each.face for each in found.faces]
        if not faces:
            return
        new = {"embeddings": found.vectors, "names": np.array(found.names)}
        if not self.aligned:
            new["boxes"] = np.array([face.box for face in faces])
            new["landmarks"] = np.array([face.landmarks for face in faces])
            new["confidence"] = np.array([face.confidence for face in faces])
        self.added.append(new)

    def save_sometimes(self) -> None:
        """Writes what is new, if that is long ago."""
        if time.monotonic() >= self.next_save:
            self.save_new()

    def save_new(self) -> None:
        """Writes all rows, if some are new."""
        if len(self) > self.saved:
            start = time.monotonic()
            self.save()
            took = time.monotonic() - start
            self.next_save = start + took + max(SECONDS, TIMES * took)

    def save(self) -> None:
        """Writes all rows, next to the file's place first."""
        from keras_hypersphere.atomic_write import atomic_write

        self.rows = {
            name: np.concatenate([rows, *(part[name] for part in self.added)])
            for name, rows in self.rows.items()
        }
        self.added = []
        chosen: Any = {} if self.aligned else {"choose": np.array(self.choose)}
        with atomic_write(self.path) as file:
            np.savez(
                file,
                **self.rows,
                **chosen,
                aligned=np.array(self.aligned),
                model=np.array(self.card.name),
                model_sha256=np.array(self.card.weights_sha256),
            )
        # Only now: a writing that fails or is interrupted is made up for.
        self.saved = len(self)
