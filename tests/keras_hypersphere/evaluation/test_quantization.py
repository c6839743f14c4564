import math

import numpy as np
import pytest

from keras_hypersphere.evaluation import (
    dequantize_embeddings,
    lfw,
    quantize_embeddings,
    val_far,
)


def units(count, size, seed=0):
    faces = np.random.default_rng(seed).normal(size=(count, size))
    return faces / np.linalg.norm(faces, axis=1, keepdims=True)


def angle(a, b):
    """In radians; exact for small angles, unlike the arc of the cosine."""
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    return 2 * math.asin(min(np.linalg.norm(a - b) / 2, 1.0))


def test_a_face_takes_a_byte_for_each_dimension():
    codes = quantize_embeddings(units(10, 128).astype(np.float32))
    assert codes.dtype == np.int8
    assert codes.shape == (10, 128)
    assert codes.nbytes == 10 * 128
    assert np.abs(codes.astype(int)).max(axis=1).tolist() == [127] * 10


def test_by_hand():
    # 127 · 3/4 = 95.25 and 127 · 1/4 = 31.75.
    codes = quantize_embeddings([[3.0, -4.0, 1.0], [0.0, 0.0, 0.0]])
    assert codes.tolist() == [[95, -127, 32], [0, 0, 0]]
    back = dequantize_embeddings(codes)
    assert back.dtype == np.float32
    norm = math.sqrt(95**2 + 127**2 + 32**2)
    np.testing.assert_allclose(
        back, [[95 / norm, -127 / norm, 32 / norm], [0, 0, 0]], rtol=1e-6
    )
    one = quantize_embeddings([3.0, -4.0, 1.0])
    assert one.shape == (3,)
    np.testing.assert_array_equal(dequantize_embeddings(one), back[0])


@pytest.mark.parametrize("size", [2, 3, 64, 128, 512])
def test_the_error_stays_within_its_bound(size):
    faces = units(300, size, seed=size)
    # Long entries and short ones, in every mixture.
    faces *= np.random.default_rng(1).choice([1, 1e-3, 0.1, 5], faces.shape)
    back = dequantize_embeddings(quantize_embeddings(faces)).astype(float)
    shares = []
    for face, other in zip(faces, back, strict=True):
        largest = np.abs(face).max() / np.linalg.norm(face)
        bound = math.asin(math.sqrt(size - 1) * largest / 254)
        shares.append(angle(face, other) / bound)
    # Within float32, and not by far.
    assert max(shares) <= 1 + 1e-3
    assert max(shares) > 0.4
    norms = np.linalg.norm(back, axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-6)


def test_the_bound_is_reached():
    # Every entry but the largest lies half way between two steps.
    face = np.array([127.0, *[0.499999] * 15])
    back = dequantize_embeddings(quantize_embeddings(face)).astype(float)
    bound = math.asin(math.sqrt(15) * face[0] / np.linalg.norm(face) / 254)
    assert angle(face, back) == pytest.approx(bound, rel=1e-3)


def test_again_is_the_same():
    codes = quantize_embeddings(units(50, 128))
    again = quantize_embeddings(dequantize_embeddings(codes))
    np.testing.assert_array_equal(again, codes)


@pytest.mark.parametrize("factor", [2.0**-600, 1e-200, 1e200, 3.0])
def test_lengths_do_not_matter(factor):
    faces = np.round(units(20, 16) * 100)
    np.testing.assert_array_equal(
        quantize_embeddings(factor * faces), quantize_embeddings(faces)
    )


def test_accuracy_is_not_lost():
    """What FaceNet says of its own 128 bytes."""
    random = np.random.default_rng(3)
    same = np.arange(6000) // 300 % 2 == 0
    left = units(6000, 128, seed=4)
    right = left + 0.25 * random.normal(size=left.shape)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    right = np.where(same[:, None], right, units(6000, 128, seed=5))
    stored = [
        dequantize_embeddings(quantize_embeddings(side))
        for side in (left, right)
    ]
    before, after = lfw(left, right, same), lfw(*stored, same)
    assert 0.9 < before.accuracy < 1.0
    assert abs(after.accuracy - before.accuracy) < 1e-3
    before, after = val_far(left, right, same), val_far(*stored, same)
    assert 0.5 < before.val < 1.0
    assert abs(after.val - before.val) < 1e-2


@pytest.mark.parametrize(
    ("function", "value", "message"),
    [
        (quantize_embeddings, [[1.0, np.nan]], "`x` must hold finite"),
        (quantize_embeddings, np.ones((2, 2, 2)), "`x` must be a matrix"),
        (quantize_embeddings, [], "`x` must be a matrix"),
        (quantize_embeddings, ["a"], "real numbers"),
        (dequantize_embeddings, np.ones((2, 2)), "`q` must be the int8 array"),
        (dequantize_embeddings, np.ones((2, 2), np.uint8), "dtype uint8"),
        (dequantize_embeddings, np.ones((0, 2), np.int8), "`q` must be a"),
    ],
)
def test_refuses(function, value, message):
    with pytest.raises(ValueError, match=message):
        function(value)
