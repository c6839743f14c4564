"""Embeddings in parquet files, read a piece at a time."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

# Rows of a piece.
ROWS = 8192


class EmbeddingShards:
    """The embeddings of a folder of parquet files, in blocks of rows.

    A shard is what `keras-hypersphere embed DIR -o OUT/` writes: a row a
    photo, with a column of lists of numbers. Where it is null, the photo has
    no embedding: it is left out, and counted. No file is read as a whole.

    Args:
        path: a folder, whose `*.parquet` files are read in the order of their
            names, or one such file.
        column: the column of the embeddings.

    Attributes:
        rows: number of rows of all files, those without an embedding too.
        skipped: how many of those that were read last had no embedding.

    Raises:
        FileNotFoundError: If there is no such file, or none in the folder.
        ValueError: If a file is damaged, has no such column, or lists of
            several lengths.
        ImportError: If pyarrow is not installed.

    Example:

    >>> import keras_hypersphere as kh
    >>> shards = kh.evaluation.EmbeddingShards("OUT/")  # doctest: +SKIP
    >>> report = kh.evaluation.megaface(  # doctest: +SKIP
    ...     probes, labels, shards)
    >>> report.distractors, report.skipped  # doctest: +SKIP
    (999_871, 129)
    """

    def __init__(
        self, path: "str | os.PathLike", column: str = "embedding"
    ) -> None:
        folder = Path(path)
        self.column = column
        self.files = [folder]
        if folder.is_dir():
            self.files = sorted(folder.glob("*.parquet"))
        if not self.files or not self.files[0].is_file():
            raise FileNotFoundError(
                f"There is no parquet file '{folder}', nor one in it."
            )
        self.skipped = 0
        self.rows = sum(_opened(each, column)[1] for each in self.files)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields `(n, d)` float32 blocks."""
        self.skipped = 0
        width: int | None = None
        for path in self.files:
            file, _ = _opened(path, self.column)
            try:
                batches = file.iter_batches(ROWS, columns=[self.column])
                for batch in batches:
                    block, skipped = _block(batch.column(0), path)
                    self.skipped += skipped
                    if not len(block):
                        continue
                    width = block.shape[1] if width is None else width
                    if block.shape[1] != width:
                        raise ValueError(
                            f"All embeddings must have {width} numbers, as "
                            f"the first ones. Received: {block.shape[1]} in "
                            f"'{path}'."
                        )
                    yield block
            except OSError as error:
                raise _damaged(path, error) from error
            except ValueError as error:
                if "Expected all lists" not in str(error):
                    raise
                raise ValueError(
                    f"'{path}' has lists of one length, some of them null, "
                    "which pyarrow reads from version 26 on. Upgrade it, or "
                    f"write `{self.column}` as lists of any length."
                ) from error


def _opened(path: Path, column: str) -> tuple[Any, int]:
    """A file of pyarrow, and how many rows it has."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ImportError(
            "Parquet files are read by pyarrow: "
            "pip install 'keras-hypersphere[parquet]'"
        ) from error
    try:
        file = parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise _damaged(path, error) from error
    names = file.schema_arrow.names
    if column not in names:
        raise ValueError(
            f"`column` must be one of '{path}': {', '.join(names)}. "
            f"Received: column={column!r}"
        )
    return file, file.metadata.num_rows


def _block(lists: Any, path: Path) -> tuple[np.ndarray, int]:
    """The lists that are there as rows, and how many are not."""
    # Ray's tensors are lists inside.
    lists = getattr(lists, "storage", lists)
    skipped = lists.null_count
    if skipped:
        lists = lists.drop_null()
    if not hasattr(lists, "flatten"):
        raise ValueError(
            f"Embeddings must be lists of numbers. Received: {lists.type} in "
            f"'{path}'."
        )
    numbers = lists.flatten()
    count = len(lists)
    width = len(numbers) // count if count else 0
    sizes = np.asarray(lists.value_lengths()) if count else np.zeros(0)
    if (sizes != width).any() or (count and not width):
        raise ValueError(
            "Embeddings must all have as many numbers. Received: from "
            f"{int(sizes.min())} to {int(sizes.max())} in '{path}'."
        )
    # A null inside of a list becomes NaN, which is refused later.
    values = np.asarray(numbers.to_numpy(zero_copy_only=False), np.float32)
    return values.reshape(count, width), skipped


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"'{path}' is no parquet file, or damaged ({type(error).__name__})."
    )
