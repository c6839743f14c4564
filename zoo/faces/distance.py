"""Distances between embeddings, by the name that a card gives."""

import numpy as np

from keras_hypersphere.evaluation.scores import row_scores


def row_distances(
    left: np.ndarray, right: np.ndarray, distance: str = "l2"
) -> np.ndarray:
    """Returns the distance of each row of `left` to its row of `right`.

    Args:
        left: (n, dim) embeddings.
        right: (n, dim) embeddings.
        distance: `"l2"`, `"squared-l2"`, or `"cosine"`, which is 1 - cosine.

    Returns:
        (n,) float64 array; smaller is more alike.
    """
    scores = row_scores(left, right, distance)
    return 1.0 - scores if distance == "cosine" else scores


def distances(
    left: np.ndarray, right: np.ndarray, distance: str = "l2"
) -> np.ndarray:
    """Returns the distance of every row of `left` to every row of `right`.

    Args:
        left: (n, dim) embeddings.
        right: (m, dim) embeddings.
        distance: As in `row_distances`.

    Returns:
        (n, m) float64 array; smaller is more alike.
    """
    left, right = np.atleast_2d(left), np.atleast_2d(right)
    n, m = len(left), len(right)
    return row_distances(
        np.repeat(left, m, axis=0), np.tile(right, (n, 1)), distance
    ).reshape(n, m)
