"""NormFace's comparison of videos: a histogram of cosines, and a machine."""

from collections.abc import Callable, Iterator

import numpy as np

from keras_hypersphere.evaluation import input_checks, rounding, scores
from keras_hypersphere.evaluation.folds import HeldOut
from keras_hypersphere.evaluation.lfw_normface import svm_decisions

# Bins of 0.02 from -1 to 1; the last one includes its upper edge.
BINS = 100
# A squared length below this share of its parts has lost too many digits.
CANCELED = 1e-6


def histogram(
    first: list[np.ndarray],
    second: list[np.ndarray],
    same: np.ndarray,
    fold: np.ndarray,
    count: int,
    distance: str,
) -> HeldOut:
    """Trains a machine on the histogram intersection kernel; see `ytf`."""
    features = features_of(first, second, fold, count, BINS, cosine_histogram)
    values = np.empty(len(same))
    for index in range(count):
        held = fold == index
        values[held] = intersection_decisions(
            features[index][~held], same[~held], features[index][held]
        )
    return HeldOut(
        scores=values,
        thresholds=np.zeros(count),
        correct=(values > 0) == same,
        larger_is_same=True,
        distance="decision",
    )


def normface_mean(
    first: list[np.ndarray],
    second: list[np.ndarray],
    same: np.ndarray,
    fold: np.ndarray,
    count: int,
    distance: str,
) -> HeldOut:
    """Trains a linear machine on the mean cosine; see `ytf`."""
    features = features_of(
        first, second, fold, count, 1, lambda cosines: cosines.mean()
    )[:, :, 0]
    values = np.empty(len(same))
    limits = np.empty(count)
    correct = np.empty(len(same), bool)
    for index in range(count):
        held = fold == index
        mine = features[index]
        values[held] = mine[held]
        accepted, limits[index] = svm_decisions(
            mine[~held], same[~held], mine[held]
        )
        correct[held] = accepted == same[held]
    return HeldOut(values, limits, correct, True, "cosine")


def features_of(
    first: list[np.ndarray],
    second: list[np.ndarray],
    fold: np.ndarray,
    count: int,
    size: int,
    describe: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Describes the cosines of every pair, as each fold sees them.

    Returns:
        `(count, n, size)`: for each held-out fold what `describe` makes of a
        pair's matrix of cosines, after the fold's center is subtracted.
    """
    centers = fold_centers(first, second, fold, count)
    features = np.empty((count, len(first), size))
    # Pairs outside, folds inside: a video is read and multiplied once.
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
        error = rounding.error(a, b)
        a, b = a.astype(np.float64), b.astype(np.float64)
        for held, cosines in enumerate(cosines_around(a, b, centers, error)):
            features[held, index] = describe(cosines)
    return features


def cosines_around(
    a: np.ndarray, b: np.ndarray, centers: np.ndarray, error: float
) -> Iterator[np.ndarray]:
    """Yields, for each center, the cosines of all frames seen from it.

    The products with one center give those with any other that is near:
    `(a - c) · (b - c) = a · b - (a + b) · c + |c|²`, with `c` its distance
    from the first. Frames within their rounding, `error`, of a center have
    no direction from there: their cosines are 0.
    """
    least_squares = [
        np.square(error) * np.einsum("ij,ij->i", each, each) for each in (a, b)
    ]
    middle = centers.mean(axis=0)
    moves = centers - middle
    a, b = a - middle, b - middle
    products = a @ b.T
    parts = [
        (each @ moves.T, np.einsum("ij,ij->i", each, each)) for each in (a, b)
    ]
    lengths = np.einsum("ij,ij->i", moves, moves)
    for index, move in enumerate(moves):
        squares = [
            own - 2.0 * along[:, index] + lengths[index] for along, own in parts
        ]
        least = CANCELED * (max(own.max() for _, own in parts) + lengths[index])
        if min(each.min() for each in squares) <= least:
            # A frame is so near to the center that digits cancel.
            sides = a - move, b - move
            squares = [np.einsum("ij,ij->i", each, each) for each in sides]
            cosines = scores.unit_rows(sides[0]) @ scores.unit_rows(sides[1]).T
        else:
            cosines = products - parts[0][0][:, index, None]
            cosines -= parts[1][0][:, index] - lengths[index]
            cosines /= np.sqrt(squares[0])[:, None]
            cosines /= np.sqrt(squares[1])
        cosines[squares[0] <= least_squares[0]] = 0.0
        cosines[:, squares[1] <= least_squares[1]] = 0.0
        # Rounding must not push a cosine out of the last bin.
        yield np.clip(cosines, -1.0, 1.0, out=cosines)


def fold_centers(
    first: list[np.ndarray],
    second: list[np.ndarray],
    fold: np.ndarray,
    count: int,
) -> np.ndarray:
    """Returns, for each held-out fold, the mean of the others' videos.

    A video counts by its own mean, once for each time a pair names it.
    """
    means = np.empty((2, len(first), first[0].shape[1]))
    for side, videos in enumerate((first, second)):
        for index, video in enumerate(videos):
            input_checks.require_finite(video, f"frames_{'ab'[side]}[{index}]")
            video.mean(axis=0, dtype=np.float64, out=means[side, index])
    return np.stack(
        [means[:, fold != index].mean(axis=(0, 1)) for index in range(count)]
    )


def cosine_histogram(cosines: np.ndarray) -> np.ndarray:
    """Returns the share of the cosines in each bin."""
    counts, _ = np.histogram(cosines, bins=BINS, range=(-1.0, 1.0))
    return counts / cosines.size


def intersection_decisions(
    training: np.ndarray, same: np.ndarray, held: np.ndarray
) -> np.ndarray:
    """Returns a C-SVC's values (C = 1), positive for "same"."""
    from sklearn.svm import SVC

    machine = SVC(kernel="precomputed", C=1.0)
    machine.fit(intersections(training, training), same)
    return machine.decision_function(intersections(held, training))


def intersections(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns `sum_i min(a_i, b_i)` of every two histograms that sum to 1."""
    from scipy.spatial.distance import cdist

    # min(x, y) is half of x + y - |x - y|.
    return 1.0 - 0.5 * cdist(a, b, "cityblock")
