"""Distractors as `keras-hypersphere embed DIR -o OUT/` writes them."""

import json
from pathlib import Path

from keras_hypersphere.evaluation import EmbeddingShards
from keras_hypersphere.tools.bulk.shard_folder import RECORD


def are_shards(path: Path) -> bool:
    """Whether embeddings are read from there, as parquet."""
    if path.is_dir():
        return (path / RECORD).exists() or any(path.glob("*.parquet"))
    return path.suffix.lower() == ".parquet"


def read_shards(path: Path, model: str | None) -> EmbeddingShards:
    """Embeddings of a folder of parquet files, or of one file.

    Args:
        path: Where.
        model: What embedded the probes; None if nobody knows.

    Raises:
        ValueError: If the folder's record says that another model made it, or
            that files are missing.
    """
    record = path / RECORD
    if record.is_file():
        made = json.loads(record.read_text("utf-8"))
        if not made.get("complete"):
            raise ValueError(
                f"'{path}' is not complete: `embed` was stopped, or photos "
                "could not be read. Run its command again first."
            )
        if model is not None and made.get("model") not in (None, model):
            raise ValueError(
                f"The distractors in '{path}' are embeddings of "
                f"{made['model']}, the probes of {model}. Embed both with "
                "one model."
            )
    return EmbeddingShards(path)
