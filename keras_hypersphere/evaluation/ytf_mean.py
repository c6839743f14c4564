"""Two videos compared by the mean over all pairs of their frames."""

import numpy as np

from keras_hypersphere.evaluation import input_checks, rounding, scores
from keras_hypersphere.evaluation.folds import HeldOut
from keras_hypersphere.evaluation.lfw_sphereface import (
    mean_of_best,
    threshold_grid,
)
from keras_hypersphere.evaluation.lfw_standard import fewest_errors


def mean(
    first: list[np.ndarray],
    second: list[np.ndarray],
    same: np.ndarray,
    fold: np.ndarray,
    count: int,
    distance: str,
) -> HeldOut:
    """Finds the threshold of a fold as SphereFace does; see `ytf`."""
    values = mean_scores(first, second, distance, normalize=True)
    larger = scores.larger_is_same(distance)
    grid = threshold_grid(distance)
    limits = np.empty(count)
    correct = np.empty(len(same), bool)
    for index in range(count):
        held = fold == index
        limits[index], correct[held] = mean_of_best(
            values, same, held, grid, larger
        )
    return HeldOut(values, limits, correct, larger, distance)


def facenet(
    first: list[np.ndarray],
    second: list[np.ndarray],
    same: np.ndarray,
    fold: np.ndarray,
    count: int,
    distance: str,
) -> HeldOut:
    """Takes the threshold with the fewest errors; see `ytf`."""
    values = mean_scores(first, second, distance, normalize=False)
    return fewest_errors(values, same, fold, count, distance)


def mean_scores(
    first: list[np.ndarray],
    second: list[np.ndarray],
    distance: str,
    normalize: bool,
) -> np.ndarray:
    """Returns the mean score of all pairs of frames, for each two videos."""
    values = np.empty(len(first))
    error, largest = rounding.error(*first, *second), 0.0
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
        input_checks.require_finite(a, f"frames_a[{index}]")
        input_checks.require_finite(b, f"frames_b[{index}]")
        a, b = a.astype(np.float64), b.astype(np.float64)
        if normalize or distance == "cosine":
            a, b = scores.unit_rows(a), scores.unit_rows(b)
        largest = max(largest, np.abs(a).max(), np.abs(b).max())
        with np.errstate(over="ignore", invalid="ignore"):
            values[index] = MEANS[distance](a, b)
    if not np.isfinite(values).all():
        raise ValueError(
            f"Distances overflow float64: `distance={distance!r}` needs "
            "smaller embeddings; divide them by a common number."
        )
    size = first[0].shape[1]
    if distance == "cosine":
        # Means move no farther than their parts.
        noise = rounding.of_cosines(values, error, size)
    else:
        power = 1 if distance == "l2" else 2
        noise = rounding.of_distances(values, error, size, largest, power)
    return rounding.settled(values, noise)


def mean_cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the mean cosine of unit vectors, which is that of the means."""
    return np.clip(a.mean(axis=0) @ b.mean(axis=0), -1.0, 1.0)


def mean_squared_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the mean of all squared distances without making them."""
    # Seen from the middle no digits cancel.
    center = 0.5 * (a.mean(axis=0) + b.mean(axis=0))
    a, b = a - center, b - center
    squares = np.square(a).sum() / len(a) + np.square(b).sum() / len(b)
    return max(squares - 2.0 * (a.mean(axis=0) @ b.mean(axis=0)), 0.0)


def mean_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the mean of all Euclidean distances."""
    from scipy.spatial.distance import cdist

    return cdist(a, b).mean()


MEANS = {
    "cosine": mean_cosine,
    "l2": mean_distance,
    "squared-l2": mean_squared_distance,
}
