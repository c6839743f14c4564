"""Aligned faces through the network, batch by batch."""

import contextlib
import dataclasses
import numbers
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_hypersphere.zoo.faces.aligned_face import AlignedFace
from keras_hypersphere.zoo.faces.aligned_faces import in_order
from keras_hypersphere.zoo.faces.embedded_photos import EmbeddedPhotos

Batch = tuple[list[AlignedFace], dict[str, str]]


def embed_stream(
    faces: "Generator[AlignedFace | Exception]",
    names: Sequence[str],
    embed: Callable[[list[np.ndarray]], np.ndarray],
    batch_size: int,
    strict: bool,
    crops: bool,
    show: Callable[[int, int], None],
) -> Generator[EmbeddedPhotos]:
    """Yields embeddings a batch at a time, in the order of the photos.

    Args:
        faces: One aligned face of each photo, or what is wrong with it.
        names: The name of each photo.
        embed: What the network makes of a list of crops; it may be empty.
        batch_size: Crops of a batch.
        strict: Whether what is wrong with a photo is raised, or kept in
            `failures`.
        crops: Whether faces keep their crops.
        show: It is told how many photos are aligned, and of how many.
    """

    def embed_batch(batch: Batch) -> EmbeddedPhotos:
        found, failures = batch
        vectors = embed([np.asarray(face.crop) for face in found])
        if not crops:
            found = [dataclasses.replace(face, crop=None) for face in found]
        return EmbeddedPhotos(vectors, found, failures)

    # The network has a thread of its own: meanwhile the next photos are
    # searched for faces and aligned. After an error nothing is left to the
    # garbage collector, which would end threads at a bad moment.
    with (
        contextlib.closing(faces),
        contextlib.closing(
            in_batches(faces, names, batch_size, strict, show)
        ) as batches,
        ThreadPoolExecutor(1) as network,
    ):
        yield from in_order(network, embed_batch, batches, ahead=1)


def in_batches(
    faces: "Generator[AlignedFace | Exception]",
    names: Sequence[str],
    batch_size: int,
    strict: bool,
    show: Callable[[int, int], None],
) -> Generator[Batch]:
    """Yields as many faces as go together, and what failed among them."""
    waiting: list[AlignedFace] = []
    failures: dict[str, str] = {}
    for done, face in enumerate(faces, start=1):
        if isinstance(face, AlignedFace):
            waiting.append(face)
        elif strict:
            raise face
        else:
            failures[names[done - 1]] = str(face)
        if len(waiting) >= batch_size:
            yield waiting, failures
            waiting, failures = [], {}
        show(done, len(names))
    if waiting or failures:
        yield waiting, failures


def require_batch_size(batch_size: int) -> None:
    """Raises if it is not a number of crops."""
    whole = isinstance(batch_size, numbers.Integral)
    if isinstance(batch_size, bool) or not whole or batch_size < 1:
        raise ValueError(
            "`batch_size` must be a positive integer. "
            f"Received: batch_size={batch_size!r}"
        )
