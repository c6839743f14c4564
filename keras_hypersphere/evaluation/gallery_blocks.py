"""A gallery of any size, in blocks of rows."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from keras_hypersphere.evaluation import input_checks
from keras_hypersphere.evaluation.embedding_shards import EmbeddingShards


def row_count(gallery: Any) -> int | None:
    """Returns the number of rows, `None` where only reading tells.

    Of shards it is the most there can be: some have no embedding.
    """
    if isinstance(gallery, EmbeddingShards):
        return gallery.rows
    return len(gallery) if is_matrix(gallery) else None


def is_matrix(gallery: Any) -> bool:
    """Whether rows are reached by slices: an array, a memmap, a data set."""
    return hasattr(gallery, "shape") and hasattr(gallery, "__getitem__")


def blocks(gallery: Any, size: int, columns: int) -> Iterator[np.ndarray]:
    """Yields the rows in order, at most `size` at a time.

    Args:
        gallery: a matrix, or an iterable of matrices, each read once.
        size: rows of a block.
        columns: the length every row must have.
    """
    if not is_matrix(gallery) and not isinstance(gallery, Iterable):
        raise ValueError(
            "`distractors` must be a matrix (faces, dimensions) or an "
            "iterable of such blocks. "
            f"Received: distractors of type {type(gallery).__name__}."
        )
    for part in [gallery] if is_matrix(gallery) else gallery:
        part = part if is_matrix(part) else np.asarray(part)
        if len(part.shape) != 2 or part.shape[1] != columns:
            raise ValueError(
                f"`distractors` must be of shape (faces, {columns}), as the "
                "probes are, or an iterable of such blocks. "
                f"Received: distractors of shape {tuple(part.shape)}."
            )
        for start in range(0, part.shape[0], size):
            block = np.asarray(part[start : start + size])
            yield input_checks.as_embeddings(block, "distractors")
