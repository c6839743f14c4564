"""Photos of a listing → shards, which stay the same where photos do."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping

from keras_hypersphere.tools.bulk.photo_source import Listed


@dataclasses.dataclass(frozen=True)
class Shard:
    """Photos whose rows are one file.

    Args:
        name: The file's: a hash of the settings and of the photos' paths,
            sizes and times. Another input is another file.
        paths: The photos.
        unseen: Those among them that could not be looked at.
    """

    name: str
    paths: tuple[str, ...]
    unseen: frozenset[str] = frozenset()


def cut(
    photos: Iterable[Listed], size: int, settings: Mapping[str, object]
) -> Iterator[Shard]:
    """Yields shards of `size` photos on average, in order of the photos.

    Where a shard ends is decided by the hash of its last path: a photo that
    is added or removed changes its own shard, and not all that follow.

    Args:
        photos: As listed.
        size: How many photos, on average; at most twice as many.
        settings: What else rows depend on.
    """
    least = max(1, size // 2)
    one_in = size - least + 1
    waiting: list[Listed] = []
    for photo in photos:
        waiting.append(photo)
        digest = hashlib.blake2b(
            os.fsencode(photo.path), digest_size=8
        ).digest()
        ends = int.from_bytes(digest, "big") % one_in == 0
        if len(waiting) >= (least if ends else 2 * size):
            yield make_shard(waiting, settings)
            waiting = []
    if waiting:
        yield make_shard(waiting, settings)


def make_shard(photos: list[Listed], settings: Mapping[str, object]) -> Shard:
    """The shard of some photos."""
    rows = [[photo.path, photo.size, photo.changed] for photo in photos]
    text = json.dumps([settings, rows], sort_keys=True)
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return Shard(
        f"part-{digest}.parquet",
        tuple(photo.path for photo in photos),
        frozenset(photo.path for photo in photos if photo.size < 0),
    )
