"""The procedure of SphereFace's released evaluation script."""

import math

import numpy as np

from keras_hypersphere.evaluation import rounding, scores
from keras_hypersphere.evaluation.folds import HeldOut

# Thresholds are whole multiples of 1/10000, from -1 to 1.
STEPS = 10_000
# What the grid spans for unit vectors; the published score is the cosine.
RANGES = {"cosine": (-1.0, 1.0), "l2": (0.0, 2.0), "squared-l2": (0.0, 4.0)}


def sphereface(
    left: np.ndarray,
    right: np.ndarray,
    same: np.ndarray,
    fold: np.ndarray,
    count: int,
    distance: str,
) -> HeldOut:
    """Centers on the training folds, then takes the mean best threshold.

    See `lfw` for the arguments. The mean of all training embeddings counts
    every occurrence in a pair; it is found anew from the raw embeddings for
    each fold.
    """
    larger = scores.larger_is_same(distance)
    grid = threshold_grid(distance)
    error = rounding.error(left, right)
    left, right = scores.as_float64(left, right)
    values = np.empty(len(same))
    limits = np.empty(count)
    correct = np.zeros(len(same), bool)
    for index in range(count):
        held = fold == index
        training = ~held
        center = 0.5 * (left[training].mean(0) + right[training].mean(0))
        cosines = scores.pair_scores(
            scores.unit_rows(rounding.from_center(left, center, error)),
            scores.unit_rows(rounding.from_center(right, center, error)),
            distance,
        )
        values[held] = cosines[held]
        limits[index], correct[held] = mean_of_best(
            cosines, same, held, grid, larger
        )
    return HeldOut(values, limits, correct, larger, distance)


def mean_of_best(
    values: np.ndarray,
    same: np.ndarray,
    held: np.ndarray,
    grid: np.ndarray,
    larger: bool,
) -> tuple[float, np.ndarray]:
    """Finds a threshold on the training pairs and answers the `held` ones.

    Returns:
        The mean of all best thresholds of the grid, and which of the held
        pairs are answered right.
    """
    training = ~held
    right_answers = answers_right(
        values[training], same[training], grid, larger
    )
    best = grid[right_answers == right_answers.max()]
    # Exact: what cancels leaves 0, on which a score may lie.
    limit = math.fsum(best) / len(best)
    mine = values[held]
    # Strict on both sides: a score on the threshold is an error.
    accepted = mine > limit if larger else mine < limit
    rejected = mine < limit if larger else mine > limit
    return limit, np.where(same[held], accepted, rejected)


def threshold_grid(distance: str = "cosine") -> np.ndarray:
    """Returns the 20,001 thresholds."""
    low, high = RANGES[distance]
    # Dividing last makes each cosine threshold exactly t/10000.
    steps = np.arange(2 * STEPS + 1) * (high - low) / 2 + low * STEPS
    return steps / STEPS


def answers_right(
    values: np.ndarray, same: np.ndarray, grid: np.ndarray, larger: bool
) -> np.ndarray:
    """Counts the right answers at each threshold, ties being wrong."""
    alike, apart = (values, grid) if larger else (-values, -grid)
    same_sorted = np.sort(alike[same])
    different_sorted = np.sort(alike[~same])
    above = len(same_sorted) - np.searchsorted(same_sorted, apart, "right")
    return above + np.searchsorted(different_sorted, apart, "left")
