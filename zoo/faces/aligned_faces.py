"""One aligned face of each of many photos, in threads next to the network."""

import collections
import itertools
import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from keras_hypersphere.zoo.alignment.detection import detect_many
from keras_hypersphere.zoo.alignment.selection import check_rule
from keras_hypersphere.zoo.alignment.template import Template
from keras_hypersphere.zoo.alignment.templates import get_template
from keras_hypersphere.zoo.faces.aligned_face import (
    AlignedFace,
    align_one,
    read_crop,
    read_named,
)
from keras_hypersphere.zoo.faces.photo_list import Photo

# Photos that are read ahead of those that are searched for faces: a large
# photo takes 36 MB.
AHEAD = 16
# Photos that are searched for faces together, where they have one size.
TOGETHER = 16
# What may be wrong with a photo.
PROBLEMS = (ValueError, OSError)


def align_photos(
    named: Iterable[tuple[str, Photo]],
    template: "str | Template",
    choose: str = "largest",
    partial: bool = False,
) -> "Generator[AlignedFace | Exception]":
    """Yields one aligned face of each photo, or what is wrong with it.

    Photos are decoded and aligned in threads; those of one size are searched
    for faces together. Photos, results and errors are those of `find_face`,
    in order.

    Args:
        named: Name and photo of each.
        template: A name in `alignment.TEMPLATES`, or a `Template`.
        choose: Which of several faces: `"largest"` or `"center"`.
        partial: Whether files whose end is missing are read: see
            `images.read`.

    Raises:
        ValueError: If there is no such template or rule: no photo is to
            blame.
    """
    template = get_template(template)
    check_rule("choose", choose)

    def read(item: tuple[str, Photo]) -> tuple[str, Any]:
        name, photo = item
        return name, attempt(lambda: read_named(photo, name, partial)[1])

    def align(name: str, pixels: Any, faces: list) -> "AlignedFace | Exception":
        if isinstance(pixels, Exception):
            return pixels
        return attempt(lambda: align_one(pixels, faces, template, choose, name))

    with pool() as threads:
        photos = in_order(threads, read, named, AHEAD)
        while block := list(itertools.islice(photos, TOGETHER)):
            pixels = [photo for _, photo in block if not is_problem(photo)]
            found = iter(detect_many(pixels))
            aligning = [
                threads.submit(
                    align, name, photo, [] if is_problem(photo) else next(found)
                )
                for name, photo in block
            ]
            yield from (future.result() for future in aligning)


def read_crops(
    named: Iterable[tuple[str, Photo]], size: tuple[int, int]
) -> "Generator[AlignedFace | Exception]":
    """Yields photos that are aligned crops already, or what is wrong."""
    with pool() as threads:
        yield from in_order(
            threads,
            lambda item: attempt(lambda: read_crop(item[1], size, item[0])),
            named,
            AHEAD,
        )


def attempt(work: Callable[[], Any]) -> Any:
    """What a function returns, or what it raises about a photo."""
    try:
        return work()
    except PROBLEMS as error:
        return error


def is_problem(photo: Any) -> bool:
    """Whether a photo could not be read."""
    return isinstance(photo, Exception)


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
