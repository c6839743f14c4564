"""Distances between embeddings, by the name that a card gives."""

import numpy as np

from keras_hypersphere.arguments import DISTANCES

# Rows compared together: two blocks of float64 that fit the cache.
BLOCK = 512


def distances(
    left: np.ndarray, right: np.ndarray, distance: str = "l2"
) -> np.ndarray:
    """Returns the distance of every row of `left` to every row of `right`.

    Args:
        left: (n, dim) embeddings.
        right: (m, dim) embeddings.
        distance: `"l2"`, `"squared-l2"`, or `"cosine"`, which is 1 - cosine;
            that to a zero vector is 1.

    Returns:
        (n, m) float64 array; smaller is more alike.

    Raises:
        ValueError: If there is no such distance, the rows have other
            lengths, or a distance is no finite number.
    """
    left, right = np.atleast_2d(left), np.atleast_2d(right)
    away = np.empty((len(left), len(right)))
    for place, row in enumerate(left):
        away[place] = row_distances(row[None], right, distance)
    return away


def row_distances(
    left: np.ndarray, right: np.ndarray, distance: str = "l2"
) -> np.ndarray:
    """Returns the distance of row `i` of `left` to row `i` of `right`.

    Each in float64 and by itself, whatever the other rows hold.

    Args:
        left: (n, dim) embeddings, or (1, dim): one against all of `right`.
        right: (n, dim) embeddings.
        distance, Raises: As in `distances`.

    Returns:
        (n,) float64 array.
    """
    if distance not in DISTANCES:
        raise ValueError(
            f"`distance` must be one of {', '.join(DISTANCES)}. "
            f"Received: distance={distance!r}"
        )
    if left.shape[1] != right.shape[1]:
        raise ValueError(
            "Embeddings must have as many numbers as those they are compared "
            f"with. Received: {left.shape[1]} and {right.shape[1]}"
        )
    measure = _cosine if distance == "cosine" else _squared
    away = np.empty(len(right))
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(right), BLOCK):
            rows = slice(start, start + BLOCK)
            a = left if len(left) == 1 else left[rows]
            away[rows] = measure(
                a.astype(np.float64), right[rows].astype(np.float64)
            )
    if not np.isfinite(away).all():
        raise ValueError(
            "Embeddings must be finite numbers whose distances float64 can "
            "hold. Received: NaN, infinity or numbers above 1e150"
        )
    return np.sqrt(away) if distance == "l2" else away


def unit_rows(rows: np.ndarray) -> np.ndarray:
    """Divides each row by its Euclidean length; zero rows stay zero."""
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    # Squares of very large or very small numbers would leave the range.
    scaled = rows / np.where(largest > 0, largest, 1)
    lengths = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))[:, None]
    return scaled / np.where(lengths > 0, lengths, 1)


def _squared(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    difference = left - right
    return np.einsum("ij,ij->i", difference, difference)


def _cosine(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left, right = np.broadcast_arrays(unit_rows(left), unit_rows(right))
    # Rounding must not make a cosine of 1 larger than 1.
    return 1.0 - np.clip(np.einsum("ij,ij->i", left, right), -1.0, 1.0)
