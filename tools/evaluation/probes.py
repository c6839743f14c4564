"""MegaFace: photos of known people, and of strangers."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from keras_hypersphere.evaluation import megaface
from keras_hypersphere.tools.evaluation.source import Source
from keras_hypersphere.tools.evaluation.stored import read_gallery
from keras_hypersphere.zoo import images


def measure(arguments: argparse.Namespace, command: str) -> dict:
    """Embeds probes and distractors and looks for the probes' mates.

    Args:
        arguments: Those of `evaluate megaface`.
        command: What was typed.

    Returns:
        What was found, for JSON.
    """
    strangers = Path(arguments.distractors)
    if not strangers.exists():
        raise FileNotFoundError(f"No such file or folder: {strangers}")
    if strangers.is_dir() and arguments.embeddings:
        raise ValueError(
            f"'{strangers}' is a folder: with --embeddings the distractors "
            "are a file of embeddings of the same model, .npz or .npy."
        )
    source = Source(arguments, rule="center")
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
    if strangers.is_dir():
        others = source.embed(photos_in(strangers), str(strangers))
        gallery, lost = others.embeddings[~others.failed], others.failures
    else:
        gallery = read_gallery(strangers)
    seconds = time.perf_counter() - start
    report = megaface(
        probes,
        labels,
        gallery,
        ranks=arguments.ranks,
        far=arguments.far,
        distance=source.distance(),
        failed=failed,
    )
    return {
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
        "rank_1": report.rank_1,
        "ranks": report.ranks.tolist(),
        "far": report.far,
        "tar": report.tar,
        "threshold": report.threshold,
        "seconds": round(seconds, 2),
        "command": command,
    }


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
