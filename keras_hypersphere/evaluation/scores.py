"""One score for each pair of embeddings, in float64."""

import numpy as np

from keras_hypersphere.evaluation import input_checks, rounding

# Rows handled together: two blocks of 512 float64 columns fit the cache.
BLOCK = 128
# Squares below or above are scaled first: they lose digits or overflow.
SMALLEST, LARGEST = 1e-280, 1e280


def pair_scores(
    left: np.ndarray, right: np.ndarray, distance: str = "cosine"
) -> np.ndarray:
    """Scores row `i` of `left` against row `i` of `right`, a list of pairs.

    As `row_scores`; but where all of them lie within what the rounding of the
    embeddings can move them, they are one score: ties, and no order.
    """
    scores = row_scores(left, right, distance)
    if not len(scores):
        return scores
    error, size = rounding.error(left, right), left.shape[1]
    if distance == "cosine":
        noise = rounding.of_cosines(scores, error, size)
    else:
        noise = rounding.of_distances(
            *(scores, error, size),
            largest=float(
                max(left.max(), -left.min(), right.max(), -right.min())
            ),
            power=1 if distance == "l2" else 2,
        )
    return rounding.settled(scores, noise)


def row_scores(
    left: np.ndarray, right: np.ndarray, distance: str = "cosine"
) -> np.ndarray:
    """Scores row `i` of `left` against row `i` of `right`, each by itself.

    `"cosine"` is the cosine of the angle, larger for more alike, and 0 where
    a vector is zero. `"l2"` is the Euclidean distance and `"squared-l2"` its
    square, smaller for more alike.
    """
    kernel = _cosines if distance == "cosine" else _squared_distances
    scores = np.empty(len(left))
    for start in range(0, len(left), BLOCK):
        rows = slice(start, start + BLOCK)
        scores[rows] = kernel(
            left[rows].astype(np.float64), right[rows].astype(np.float64)
        )
    if distance == "l2":
        np.sqrt(scores, out=scores)
    if not np.isfinite(scores).all():
        input_checks.require_finite(left, "left")
        input_checks.require_finite(right, "right")
        raise ValueError(
            f"Distances overflow float64: `distance={distance!r}` needs "
            "smaller embeddings; divide them by a common number."
        )
    return scores


def larger_is_same(distance: str) -> bool:
    """Whether large scores of `pair_scores` speak for "same"."""
    return distance == "cosine"


def as_float64(
    left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns both as float64, for procedures that ignore a common factor.

    Where squares could leave the range of float64, all are divided by one
    power of two, which is exact.
    """
    input_checks.require_finite(left, "left")
    input_checks.require_finite(right, "right")
    left, right = left.astype(np.float64), right.astype(np.float64)
    largest = max(np.abs(left).max(), np.abs(right).max())
    if largest > 0 and not 1e-100 < largest < 1e100:
        exponent = -int(np.frexp(largest)[1])
        left, right = np.ldexp(left, exponent), np.ldexp(right, exponent)
    return left, right


def unit_rows(matrix: np.ndarray) -> np.ndarray:
    """Divides each row by its Euclidean norm; zero rows stay zero."""
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    scaled = matrix / np.where(largest > 0, largest, 1.0)
    norms = np.sqrt(_dots(scaled, scaled))[:, None]
    return scaled / np.where(norms > 0, norms, 1.0)


def _dots(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", left, right)


def _cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        left_squares, right_squares = _dots(left, left), _dots(right, right)
        squares = np.stack([left_squares, right_squares])
        if not ((squares > SMALLEST) & (squares < LARGEST)).all():
            cosines = _dots(unit_rows(left), unit_rows(right))
        else:
            # Two roots: the product of the squares could leave the range.
            norms = np.sqrt(left_squares) * np.sqrt(right_squares)
            cosines = _dots(left, right) / norms
    # Rounding must not make a cosine of 1 larger than 1.
    return np.clip(cosines, -1.0, 1.0)


def _squared_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        difference = left - right
        return _dots(difference, difference)
