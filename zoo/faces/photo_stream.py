"""Aligned faces through the network, batch by batch."""

import contextlib
import dataclasses
import numbers
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.faces.aligned_face import AlignedFace
from keras_hypersphere.zoo.faces.aligned_faces import (
    PhotoFaces,
    in_order,
)
from keras_hypersphere.zoo.faces.embedded_photos import EmbeddedPhotos
from keras_hypersphere.zoo.runtimes.engine import Engine
from keras_hypersphere.zoo.runtimes.keras_engine import KerasEngine
from keras_hypersphere.zoo.runtimes.preprocessing import embed_crops

Batch = tuple[list[AlignedFace], dict[str, str]]
Show = Callable[[int], None]


def embed_stream(
    photos: Generator[PhotoFaces],
    engine: "Engine | KerasEngine",
    card: Card,
    batch_size: int,
    strict: bool,
    crops: bool,
    show: Show,
) -> Generator[EmbeddedPhotos]:
    """Yields embeddings a batch at a time, in the order of the photos.

    Args:
        photos: The aligned faces of each photo, or what is wrong with it.
        engine: What computes the network.
        card: The network's card.
        batch_size: Crops of a batch.
        strict: Whether what is wrong with a photo is raised, or kept in
            `failures`.
        crops: Whether faces keep their crops.
        show: It is told how many photos are aligned.
    """

    def embed_batch(batch: Batch) -> EmbeddedPhotos:
        found, failures = batch
        crops_found = [np.asarray(face.crop) for face in found]
        vectors = embed_crops(crops_found, engine, card)
        if not crops:
            found = [dataclasses.replace(face, crop=None) for face in found]
        return EmbeddedPhotos(vectors, found, failures)

    # The network has threads of its own: meanwhile the next photos are
    # searched for faces and aligned. After an error nothing is left to the
    # garbage collector, which would end threads at a bad moment.
    with (
        contextlib.closing(photos),
        contextlib.closing(
            in_batches(photos, batch_size, strict, show)
        ) as batches,
        ThreadPoolExecutor(engine.workers) as network,
    ):
        yield from in_order(network, embed_batch, batches, ahead=engine.workers)


def in_batches(
    photos: Generator[PhotoFaces], batch_size: int, strict: bool, show: Show
) -> Generator[Batch]:
    """Yields as many faces as go together, and what failed among them."""
    waiting: list[AlignedFace] = []
    failures: dict[str, str] = {}
    for done, photo in enumerate(photos, start=1):
        if photo.problem is None:
            waiting += photo.faces
        elif strict:
            raise photo.problem
        else:
            failures[photo.name] = str(photo.problem)
        # The faces of one photo stay together: none is kept without the rest.
        if len(waiting) >= batch_size:
            yield waiting, failures
            waiting, failures = [], {}
        show(done)
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
