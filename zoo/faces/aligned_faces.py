"""The aligned faces of many photos, in threads next to the network."""

import collections
import dataclasses
import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from keras_hypersphere.zoo.alignment.face_detector import FaceDetector
from keras_hypersphere.zoo.alignment.selection import check_rule
from keras_hypersphere.zoo.alignment.template import Template
from keras_hypersphere.zoo.alignment.templates import get_template
from keras_hypersphere.zoo.faces.aligned_face import (
    AlignedFace,
    faces_of,
    read_crop,
)
from keras_hypersphere.zoo.faces.photo_list import Photo

# Photos that are worked on ahead of whoever takes the crops.
AHEAD = 16
# What may be wrong with a photo.
PROBLEMS = (ValueError, OSError)
# Which faces of a photo are meant.
CHOICES = ("largest", "center", "all")
YUNET = FaceDetector()


@dataclasses.dataclass(frozen=True, eq=False)
class PhotoFaces:
    """What became of one photo.

    Args:
        name: The photo's name.
        faces: Its aligned faces.
        problem: Why there is none.
    """

    name: str
    faces: list[AlignedFace]
    problem: Exception | None = None


def align_photos(
    named: Iterable[tuple[str, Photo]],
    template: "str | Template",
    choose: str = "largest",
    partial: bool = False,
    detector: FaceDetector = YUNET,
) -> Generator[PhotoFaces]:
    """Yields the aligned faces of each photo, or what is wrong with it.

    Photos are read, searched and aligned in threads, each by itself: what
    comes of one does not depend on the others. They come in order.

    Args:
        named: Name and photo of each; it may be endless.
        template: A name in `alignment.TEMPLATES`, or a `Template`.
        choose: Which of several faces: `"largest"`, `"center"` or `"all"`.
        partial: Whether files whose end is missing are read: see
            `images.read`.
        detector: What finds faces.

    Raises:
        ValueError: If there is no such template or rule: no photo is to
            blame.
    """
    template = get_template(template)
    check_rule("choose", choose, CHOICES)
    return in_threads(
        lambda name, photo: faces_of(
            name, photo, template, choose, detector, partial
        ),
        named,
    )


def read_crops(
    named: Iterable[tuple[str, Photo]], size: tuple[int, int]
) -> Generator[PhotoFaces]:
    """Yields photos that are aligned crops already, or what is wrong."""
    return in_threads(lambda name, photo: [read_crop(name, photo, size)], named)


def in_threads(
    work: Callable[[str, Photo], list[AlignedFace]],
    named: Iterable[tuple[str, Photo]],
) -> Generator[PhotoFaces]:
    """Does the work for each photo, in order."""

    def attempt(item: tuple[str, Photo]) -> PhotoFaces:
        name, photo = item
        try:
            return PhotoFaces(name, work(name, photo))
        except PROBLEMS as error:
            return PhotoFaces(name, [], error)

    with pool() as threads:
        yield from in_order(threads, attempt, named, AHEAD)


def pool() -> ThreadPoolExecutor:
    """Threads for work that leaves the interpreter: decoding, warping."""
    return ThreadPoolExecutor(max(2, min(8, os.cpu_count() or 2)))


def in_order(
    pool: ThreadPoolExecutor, work: Callable, items: Iterable, ahead: int
) -> Generator[Any]:
    """Yields `work(item)` in order, a bounded number of items ahead."""
    pending: collections.deque[Future] = collections.deque()
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        # After an error nobody waits for the rest.
        for future in pending:
            future.cancel()
