"""A shard: its photos are embedded, and its file is written."""

import dataclasses
import io
import json
from typing import Any

import numpy as np

from keras_hypersphere.tools.bulk.photo_source import PhotoSource
from keras_hypersphere.tools.bulk.shard_folder import ShardFolder
from keras_hypersphere.tools.bulk.shards import Shard
from keras_hypersphere.zoo.faces.bulk_embedder import BulkEmbedder, PhotoRow


class InputError(Exception):
    """A photo that was listed and cannot be fetched: no row says that."""


@dataclasses.dataclass(frozen=True)
class Written:
    """What became of a shard.

    Args:
        name: Its file.
        photos: How many it has.
        embeddings: Rows with an embedding.
        failed: Rows with an error.
        problem: Why it was not written; empty if it was.
    """

    name: str
    photos: int
    embeddings: int = 0
    failed: int = 0
    problem: str = ""


@dataclasses.dataclass(frozen=True)
class ShardJob:
    """What a worker process needs to make shards; it is pickled.

    Args:
        source: Where the photos are.
        folder: Where the files go.
        embedder: What embeds.
        made: What the files say of how they were made.
    """

    source: PhotoSource
    folder: ShardFolder
    embedder: BulkEmbedder
    made: dict[str, str]

    def __call__(self, shard: Shard) -> Written:
        """Makes one shard. What hinders it is told, and stops no other."""
        try:
            rows = list(self.rows(shard))
            table = make_table(rows, {**self.made, "shard": shard.name})
            self.folder.write(shard.name, file_of(table))
        except (InputError, OSError) as error:
            return Written(shard.name, len(shard.paths), problem=str(error))
        failed = sum(row.problem is not None for row in rows)
        return Written(shard.name, len(shard.paths), len(rows) - failed, failed)

    def rows(self, shard: Shard) -> Any:
        """The rows of a shard.

        Raises:
            InputError: If a photo is no longer there, or the place where it
                lies does not answer.
        """
        photos = (self.source.named(path) for path in shard.paths)
        for row in self.embedder.stream(photos):
            if (
                isinstance(row.problem, OSError)
                and not isinstance(row.problem, PermissionError)
                and row.name not in shard.unseen
            ):
                raise InputError(
                    f"'{row.name}' was listed and cannot be read "
                    f"({row.problem}). The same command tries it again."
                )
            yield row


def make_table(rows: list[PhotoRow], made: dict[str, str]) -> Any:
    """The rows as a table of pyarrow, with how they were made."""
    import pyarrow as pa

    vectors = [row.vector for row in rows]
    faces = [row.face for row in rows]
    errors = [row.problem and readable(str(row.problem)) for row in rows]
    return pa.table(
        {
            "path": pa.array([readable(row.name) for row in rows], pa.string()),
            "embedding": pa.array(vectors, pa.list_(pa.float32())),
            "box": pa.array(
                [face and np.asarray(face.box, np.float64) for face in faces],
                pa.list_(pa.float64()),
            ),
            "confidence": pa.array(
                [face and face.confidence for face in faces], pa.float64()
            ),
            "error": pa.array(errors, pa.string()),
        },
        metadata={"keras_hypersphere": json.dumps(made)},
    )


def readable(text: str) -> str:
    """Text that UTF-8 has, also of names that are none."""
    return text.encode("utf-8", "backslashreplace").decode()


def file_of(table: Any) -> bytes:
    """A parquet file in memory: a writer that is interrupted leaves none."""
    import pyarrow.parquet

    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file, compression="zstd")
    return file.getvalue()
