"""Vectors that were embedded already, compared by hand."""

import numpy as np
import pytest

from keras_hypersphere.zoo import FaceEmbedder
from keras_hypersphere.zoo.faces.compare import compare

U, V = np.array([3.0, 4.0], np.float32), np.array([4.0, 3.0], np.float32)
BY_HAND = {"l2": np.sqrt(2), "squared-l2": 2.0, "cosine": 1 - 24 / 25}


@pytest.mark.parametrize("distance", BY_HAND)
def test_vectors_rows_and_tables(distance):
    one = compare(U, V, distance)
    assert isinstance(one, float)
    assert one == pytest.approx(BY_HAND[distance])
    assert compare([3, 4], [4, 3], distance) == pytest.approx(one)
    rows = np.stack([U, V])
    np.testing.assert_allclose(compare(rows, V, distance), [one, 0], atol=1e-7)
    np.testing.assert_allclose(
        compare(rows[:, None], rows[None], distance),
        [[0, one], [one, 0]],
        atol=1e-7,
    )


@pytest.mark.parametrize(
    ("u", "message"),
    [
        (U * 1j, r"`u` must be emb.* shape \(2,\), dtype complex64"),
        ("photo.jpg", r"`u` must be emb.* type str"),
        (3.0, r"`u` must be emb.* type float"),
        (np.array([1, np.nan]), "`u` must be finite.* 1 numbers"),
        (np.ones(3), r"as many numbers a vector.*\(3,\) and \(2,\)"),
        (np.ones((3, 2)), r"must broadcast.*\(3, 2\) and \(2, 2\)"),
    ],
)
def test_what_is_no_embedding(u, message):
    v = np.ones((2, 2)) if np.shape(u) == (3, 2) else V
    with pytest.raises(ValueError, match=message) as caught:
        compare(u, v, "l2")
    assert "\n" not in str(caught.value)


def test_verify_takes_embeddings():
    embedder = FaceEmbedder.from_preset("sface", runtime="opencv")
    u, v = np.random.default_rng(0).normal(size=(2, 128)).astype("float32")
    answer = embedder.verify(u, v)
    assert not answer.same and answer.faces == (None, None)
    assert answer.distance == pytest.approx(embedder.compare(u, v))
    assert embedder.verify(u, 2 * u).same
    with pytest.raises(ValueError, match=r"an embedding as an array.* a list"):
        embedder.verify(u.tolist(), v)
    with pytest.raises(ValueError, match=r"embedding of 128 .*\(127,\)"):
        embedder.verify(u, v[:-1])
