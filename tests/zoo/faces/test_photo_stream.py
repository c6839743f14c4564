"""Photos that are embedded part by part, by a miniature."""

import threading

import numpy as np
import pytest

from keras_hypersphere.zoo.faces.embedded_photos import join_parts
from tests.miniatures.load import load_miniature


@pytest.fixture(scope="module")
def embedder():
    return load_miniature("dlib-resnet.miniature")


def crops(count):
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (count, 150, 150, 3), dtype=np.uint8)


def test_parts_are_the_whole(embedder):
    photos = [*crops(5), np.zeros((9, 9, 3), np.uint8), *crops(2)]
    photos.append(np.ones((8, 8, 3), np.uint8))
    parts = list(embedder.stream(photos, aligned=True, batch_size=3))
    assert [len(part.vectors) for part in parts] == [3, 3, 1]
    assert [list(part.failures) for part in parts] == [
        [],
        ["photo 5 of the list"],
        ["photo 8 of the list"],
    ]
    assert parts[1].names[2] == "photo 6 of the list"
    whole = embedder.embed(photos, details=True, aligned=True, errors="skip")
    joined = join_parts(parts, embedder.card.dim)
    np.testing.assert_allclose(joined.vectors, whole.vectors, atol=1e-5)
    assert (joined.names, joined.failures) == (whole.names, whole.failures)
    assert all(face.crop is None for face in joined.faces)


def test_failures_alone_are_a_part(embedder):
    [part] = embedder.stream([np.zeros((9, 9, 3), np.uint8)], aligned=True)
    assert part.vectors.shape == (0, embedder.card.dim)
    assert len(part.failures) == 1
    assert list(embedder.stream([], aligned=True)) == []


def test_it_can_be_left(embedder):
    seen, before = [], threading.active_count()
    parts = embedder.stream(
        crops(300), aligned=True, progress=lambda done, _: seen.append(done)
    )
    next(parts)
    parts.close()
    assert threading.active_count() == before
    assert seen[-1] < 300


def test_an_error_is_raised_where_it_is_asked_for(embedder):
    photos = [*crops(3), np.zeros((9, 9, 3), np.uint8)]
    parts = embedder.stream(photos, aligned=True, errors="raise", batch_size=1)
    with pytest.raises(ValueError, match="photo 3 of the list"):
        list(parts)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": "2"}, "`batch_size` must be a pos.*batch_size='2'"),
        ({"batch_size": 2.5}, "`batch_size` must be a positive integer"),
        ({"batch_size": True}, "`batch_size` must be a positive integer"),
        ({"choose": ["largest"]}, "`choose` must be one of largest"),
        ({"errors": "ignore"}, "`errors` must be one of raise, skip"),
    ],
)
def test_wrong_arguments_are_said_at_once(embedder, arguments, message):
    with pytest.raises(ValueError, match=message):
        embedder.stream(crops(1), aligned=True, **arguments)


def test_crops_of_two_sizes(embedder):
    with pytest.raises(ValueError, match="Received: crops of different"):
        embedder.embed_aligned([crops(1)[0], crops(1)[0, :99]])
    with pytest.raises(ValueError, match="batch_size='2'"):
        embedder.embed_aligned(crops(1), batch_size="2")
    rows = embedder.embed_aligned(crops(2), batch_size=np.int64(1))
    assert rows.shape == (2, embedder.card.dim)
