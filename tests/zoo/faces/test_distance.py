import numpy as np
import pytest

from keras_hypersphere.zoo.faces.distance import distances

A = np.array([[3.0, 4.0], [1.0, 0.0]])
B = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 2.0]])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("l2", [[5, 0, 13**0.5], [1, 20**0.5, 5**0.5]]),
        ("squared-l2", [[25, 0, 13], [1, 20, 5]]),
        # The cosine with a zero vector is 0.
        ("cosine", [[1, 0, 0.2], [1, 0.4, 1]]),
    ],
)
def test_by_hand(kind, expected):
    np.testing.assert_allclose(distances(A, B, kind), expected, atol=1e-12)


def test_single_vectors():
    assert distances(A[0], B[0]).shape == (1, 1)
