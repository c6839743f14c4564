import random

import pytest

from keras_hypersphere.tools.bulk.photo_source import Listed
from keras_hypersphere.tools.bulk.shards import cut

PHOTOS = [Listed(f"{n % 7}/{n:05}.jpg", n, n) for n in range(9_000)]
SETTINGS = {"model": "a"}


@pytest.mark.parametrize("size", [1, 2, 10, 128])
def test_all_photos_in_order(size):
    shards = list(cut(PHOTOS, size, SETTINGS))
    together = [path for shard in shards for path in shard.paths]
    assert together == [photo.path for photo in PHOTOS]
    counts = [len(shard.paths) for shard in shards]
    assert max(counts) <= 2 * size and min(counts[:-1]) >= max(1, size // 2)
    # So many photos on average, cut short at twice as many.
    assert 0.9 * size <= len(PHOTOS) / len(shards) <= 1.1 * size
    assert len({shard.name for shard in shards}) == len(shards)


def test_names_tell_what_is_in_them():
    """The same input has the same names; whatever changes, one changes."""
    names = [shard.name for shard in cut(PHOTOS, 128, SETTINGS)]
    assert [shard.name for shard in cut(PHOTOS, 128, SETTINGS)] == names
    for changed in (
        Listed(PHOTOS[999].path, 1, 999),
        Listed(PHOTOS[999].path, 999, 1),
    ):
        photos = [*PHOTOS[:999], changed, *PHOTOS[1000:]]
        others = [shard.name for shard in cut(photos, 128, SETTINGS)]
        assert len(others) == len(names)
        assert sum(a != b for a, b in zip(names, others, strict=True)) == 1
    others = {shard.name for shard in cut(PHOTOS, 128, {"model": "b"})}
    assert not others & set(names)


def test_a_photo_more_or_less_changes_few_shards():
    names = {shard.name for shard in cut(PHOTOS, 128, SETTINGS)}
    rng = random.Random(0)
    changed = []
    for _ in range(10):
        place = rng.randrange(len(PHOTOS))
        more = [*PHOTOS[:place], Listed("new.jpg", 1, 1), *PHOTOS[place:]]
        less = [*PHOTOS[:place], *PHOTOS[place + 1 :]]
        for photos in (more, less):
            others = {shard.name for shard in cut(photos, 128, SETTINGS)}
            changed.append(len(others - names))
    # Of 70. Often one; until two ends fall together again, a few.
    assert min(changed) == 1 and sum(changed) / len(changed) < 6


def test_what_cannot_be_looked_at():
    [shard] = cut([Listed("a", -1, 0), Listed("b", 1, 0)], 10, SETTINGS)
    assert shard.unseen == {"a"}


def test_names_that_are_no_text():
    [shard] = cut([Listed("\udcff.jpg", 1, 0)], 10, SETTINGS)
    assert shard.paths == ("\udcff.jpg",)
