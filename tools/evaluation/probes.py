"""MegaFace: photos of known people, and of distractors."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from keras_hypersphere.evaluation import EmbeddingShards, megaface
from keras_hypersphere.tools.evaluation.distractor_shards import (
    are_shards,
    read_shards,
)
from keras_hypersphere.tools.evaluation.embedding_lookup import read_gallery
from keras_hypersphere.tools.evaluation.measured import Measured
from keras_hypersphere.tools.evaluation.source import Source
from keras_hypersphere.zoo import images

# Scores of distractors that a curve is drawn from.
KEPT = 2**17


def measure(arguments: argparse.Namespace, command: str) -> Measured:
    """Embeds probes and distractors and looks for the probes' mates.

    Args:
        arguments: Those of `evaluate megaface`.
        command: What was typed.

    Returns:
        What was found.
    """
    distractors = Path(arguments.distractors)
    if not distractors.exists():
        raise FileNotFoundError(f"No such file or folder: {distractors}")
    sharded = are_shards(distractors)
    if distractors.is_dir() and arguments.embeddings and not sharded:
        raise ValueError(
            f"'{distractors}' is a folder: with --embeddings the distractors "
            "are a file of embeddings of the same model, .npz or .npy, or a "
            "folder of parquet files."
        )
    source = Source(arguments, rule="center")
    shards = None
    if sharded:
        stored = source.stored
        shards = read_shards(
            distractors, stored.model if stored else source.model
        )
    start = time.perf_counter()
    if source.stored:
        photos = source.stored.names
        labels = source.stored.labels
        probes = source.stored.embeddings
        failed, failures = np.zeros(len(photos), bool), {}
        labels = persons(photos) if labels is None else labels
    else:
        photos = photos_in(Path(arguments.images))
        labels = persons(photos)
        faces = source.embed(photos)
        probes, failed, failures = (
            faces.embeddings,
            faces.failed,
            faces.failures,
        )
    lost: dict[str, str] = {}
    gallery: np.ndarray | EmbeddingShards
    if shards is not None:
        gallery, size = shards, shards.rows
    elif distractors.is_dir():
        others = source.embed(photos_in(distractors), str(distractors))
        gallery, lost = others.embeddings[~others.failed], others.failures
        size = int((~others.failed).sum())
    else:
        rows = read_gallery(distractors)
        gallery, size = rows, len(rows)
    seconds = time.perf_counter() - start
    far = arguments.far
    # A curve needs more scores of distractors than one rate does.
    widest = far
    if arguments.report:
        # Of an iterable `megaface` counts one less.
        kept = KEPT if shards is None else KEPT - 1
        widest = max(far, curve_far(int((~failed).sum()) * size, kept))
    report = megaface(
        probes,
        labels,
        gallery,
        ranks=arguments.ranks,
        far=widest,
        distance=source.distance(),
        failed=failed,
    )
    found = {
        "set": arguments.set,
        "model": source.model,
        "faces": source.faces,
        "distance": report.distance,
        "probes": report.probes,
        "persons": len(np.unique(labels)),
        "couples": report.couples,
        "distractors": report.distractors,
        "photos_without_embedding": failures,
        "distractors_without_embedding": lost,
        "distractors_skipped": report.skipped,
        "distractors_stored": sharded or not distractors.is_dir(),
        "rank_1": report.rank_1,
        "ranks": report.ranks.tolist(),
        "different_pairs": report.pairs,
        "far": far,
        "tar": report.tar_at(far),
        "threshold": report.threshold_at(far),
        "seconds": round(seconds, 2),
        "command": command,
    }

    def draw() -> str:
        from keras_hypersphere.tools.reports import distractors_page

        return distractors_page.draw(report, source.embedder.card, found)

    return Measured(found, draw)


def curve_far(pairs: int, kept: int = KEPT) -> float:
    """The false accept rate up to which a curve is drawn.

    Of few pairs every score is kept, of many so many as take 4 MB.
    """
    return min(kept, max(pairs - 1, 0)) / max(pairs, 1)


def photos_in(folder: Path) -> list[str]:
    """The pictures below a folder, as paths that start there."""
    if not folder.is_dir():
        raise FileNotFoundError(f"No such folder of images: {folder}")
    found = images.files_in(folder)
    if not found:
        raise ValueError(
            f"The folder '{folder}' has no pictures "
            f"({', '.join(images.SUFFIXES)})."
        )
    return [path.relative_to(folder).as_posix() for path in found]


def persons(photos: Sequence[str]) -> np.ndarray:
    """The folder of each photo, which is its person.

    Raises:
        ValueError: If a photo lies in no folder.
    """
    folders = [str(PurePosixPath(photo).parent) for photo in photos]
    if "." in folders:
        raise ValueError(
            f"{photos[folders.index('.')]!r} lies in no folder of a person. "
            "Expected probes as Name/photo.jpg."
        )
    return np.array(folders)
