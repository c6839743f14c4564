"""Columns of a batch: photos on their way in, results on their way out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_hypersphere.zoo.faces.photo_list import Named


def photos_of(
    batch: Mapping[str, Any],
) -> tuple[list[str | None], list[Named]]:
    """The paths of a batch, and its photos by name.

    Raises:
        ValueError: If there is neither `path` nor `bytes`, or they do not
            fit each other.
    """
    if not isinstance(batch, Mapping) or not {"path", "bytes"} & set(batch):
        held = sorted(batch) if isinstance(batch, Mapping) else batch
        raise ValueError(
            "`batch` must be a mapping with a column `path`, `bytes` or both. "
            f"Received: {held!r}. Rename a column of other names."
        )
    columns = {
        name: values(name, batch[name])
        for name in ("path", "bytes")
        if name in batch
    }
    if len({len(each) for each in columns.values()}) > 1:
        raise ValueError(
            "The columns of `batch` must have one length. Received: "
            f"{ {name: len(each) for name, each in columns.items()} }"
        )
    photos = columns.get("bytes", columns.get("path", []))
    paths = [
        None if path is None else str(path)
        for path in columns.get("path", [None] * len(photos))
    ]
    names = [
        path or f"photo {place} of the list" for place, path in enumerate(paths)
    ]
    return paths, list(zip(names, photos, strict=True))


def values(name: str, each: Any) -> Sequence[Any]:
    """A column as a list."""
    if getattr(getattr(each, "dtype", None), "kind", "") == "S":
        raise ValueError(
            f"`{name}` must be a list or an object array: NumPy's arrays of "
            "bytes drop zeros at the end of a file. Received: "
            f"dtype={each.dtype}. Use `np.array(files, object)`."
        )
    if isinstance(each, (str, bytes)):
        raise ValueError(
            f"`{name}` must be a column, with a value for each photo. "
            f"Received: {type(each).__name__}. Put it into a list."
        )
    # pyarrow's columns give scalars of their own to `list`.
    return each.to_pylist() if hasattr(each, "to_pylist") else list(each)


def column(cells: list) -> np.ndarray:
    """An object array of one dimension, whatever the cells are."""
    made = np.empty(len(cells), object)
    made[:] = cells
    return made
