"""The `.npz` files that galleries are kept in, and made from."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.npz_damage import DAMAGE
from keras_hypersphere.zoo.cards.registry import known_names
from keras_hypersphere.zoo.faces.enrolled import Enrolled, as_rows
from keras_hypersphere.zoo.faces.photo_embedder import PhotoEmbedder
from keras_hypersphere.zoo.faces.same_embeddings import require_same_embeddings

# What all galleries have, also those of older versions.
ARRAYS = ("embeddings", "names", "photos", "model", "model_sha256")
# `Saved.others`.
OTHERS = ("others", "other_rows")


@dataclasses.dataclass(frozen=True, eq=False)
class Saved:
    """What a gallery's file holds.

    Args:
        rows: Its photos.
        failures: Why, for each photo without a row.
        facts: Of the model: see `same_embeddings`.
        choose: Which of several faces of a photo was taken.
        others: How far each photo is from other people's, and the nearest
            row of them, if that is known.
        thresholds: Threshold by false identification rate, as far as known.
        index: What the gallery is searched by.
        by: What `others` were searched by.
    """

    rows: Enrolled
    failures: dict[str, str]
    facts: dict[str, Any]
    choose: str = "largest"
    others: tuple[np.ndarray, np.ndarray] | None = None
    thresholds: dict[float, float] = dataclasses.field(default_factory=dict)
    index: str = "exact"
    by: str = "exact"


def embedder_of(
    saved: Saved,
    path: "str | os.PathLike",
    embedder: PhotoEmbedder | None,
    runtime: str,
) -> PhotoEmbedder:
    """The model that a file's embeddings can be compared by.

    Raises:
        ValueError: If that is not `embedder`, or is none of the zoo.
    """
    if embedder is None:
        model = saved.facts["model"]
        if model not in known_names():
            raise ValueError(
                f"'{path}' was made with the model {model!r}, which is none "
                "of the zoo: say `embedder` (`--model` on the command line)."
            )
        embedder = PhotoEmbedder.from_preset(model, runtime=runtime)
    require_same_embeddings(saved.facts, embedder.card, f"'{path}'")
    return embedder


def write_gallery(path: Path, saved: Saved) -> None:
    """Writes the file, next to its place first.

    Raises:
        ValueError: If `path` does not end in .npz, or is a folder.
        FileNotFoundError: If its folder is not there.
    """
    if path.suffix != ".npz":
        raise ValueError(
            f"`path` must end in .npz. Received: path={str(path)!r}"
        )
    others: dict[str, Any] = {}
    if saved.others is not None:
        others = dict(zip(OTHERS, saved.others, strict=True))
    with atomic_write(path) as file:
        np.savez(
            file,
            embeddings=saved.rows.embeddings,
            names=np.array(saved.rows.names, str),
            photos=np.array(saved.rows.photos, str),
            fingerprints=np.array(saved.rows.fingerprints, str),
            failures=np.array(list(saved.failures), str),
            reasons=np.array(list(saved.failures.values()), str),
            model=np.array(saved.facts["model"]),
            model_sha256=np.array(saved.facts["model_sha256"]),
            facts=np.array(json.dumps(saved.facts)),
            choose=np.array(saved.choose),
            index=np.array(saved.index),
            others_by=np.array(saved.by),
            rates=np.array(list(saved.thresholds), np.float64),
            thresholds=np.array(list(saved.thresholds.values()), np.float64),
            **others,
        )


def read_gallery(path: Path) -> Saved:
    """Reads a gallery's file. No code in it is run.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or no gallery.
    """
    with _refusing(path, "gallery", ARRAYS):
        arrays = _arrays(path, ARRAYS)
        names = _texts(arrays["names"])
        rows = Enrolled(
            as_rows(arrays["embeddings"]),
            names,
            _texts(arrays["photos"]),
            _texts(arrays.get("fingerprints", np.array([""] * len(names)))),
        )
        others = [arrays[name] for name in OTHERS if name in arrays]
        lengths = [len(rows.photos), len(rows.fingerprints)]
        lengths += [len(rows.embeddings), *map(len, others)]
        for length in lengths:
            if length != len(names):
                raise ValueError("a row for each name was expected")
        if others:
            # An impossible row is an IndexError.
            rows.embeddings[others[1]]
        return Saved(
            rows,
            _pairs(arrays, "failures", "reasons", str),
            _facts(arrays),
            str(arrays.get("choose", "largest")),
            (others[0], others[1]) if others else None,
            _pairs(arrays, "rates", "thresholds", float),
            str(arrays.get("index", "exact")),
            str(arrays.get("others_by", "exact")),
        )


def read_embeddings(path: Path) -> Saved:
    """Reads what `keras-hypersphere embed` wrote; the names are the photos.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, or holds several faces of a photo.
    """
    wanted = ("embeddings", "names", "model", "model_sha256")
    with _refusing(path, "file of embeddings", wanted):
        arrays = _arrays(path, wanted)
        photos = _texts(arrays["names"])
        rows = Enrolled(
            as_rows(arrays["embeddings"]),
            photos,
            photos,
            [""] * len(photos),
        )
        if len(rows.embeddings) != len(photos):
            raise ValueError("a row for each name was expected")
        choose = str(arrays.get("choose", "largest"))
        facts = _facts(arrays)
    if choose == "all" or len(set(photos)) < len(photos):
        raise ValueError(
            f"'{path}' holds several faces of a photo, and says not who they "
            "are. Embed the photos again without --all."
        )
    return Saved(rows, {}, facts, choose)


@contextlib.contextmanager
def _refusing(path: Path, what: str, arrays: tuple[str, ...]) -> Iterator[None]:
    """Turns what a damaged file raises into one line."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no {what} '{path}'.")
    try:
        yield
    except PermissionError:
        raise
    except DAMAGE as error:
        raise ValueError(
            f"'{path}' is no {what}, or damaged: an .npz file with the "
            f"arrays {', '.join(arrays)} was expected "
            f"({type(error).__name__})."
        ) from error


def _arrays(path: Path, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    if missing := set(wanted) - set(arrays):
        raise KeyError(*missing)
    return arrays


def _texts(array: np.ndarray) -> list[str]:
    return [str(text) for text in array.reshape(-1).tolist()]


def _pairs(
    arrays: dict[str, np.ndarray], keys: str, values: str, kind: type
) -> dict[Any, Any]:
    """Two arrays that belong together, as a dictionary."""
    found = [
        [kind(each) for each in arrays[name].tolist()] if name in arrays else []
        for name in (keys, values)
    ]
    return dict(zip(*found, strict=True))


def _facts(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """What is said of the model, as far as it is of these weights."""
    facts = {name: str(arrays[name]) for name in ("model", "model_sha256")}
    if "facts" in arrays:
        more = json.loads(str(arrays["facts"]))
        if more["model_sha256"] == facts["model_sha256"]:
            return more
    return facts
