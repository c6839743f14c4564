"""The standard ten-fold procedure: the best threshold of the other folds."""

import numpy as np

from keras_hypersphere.evaluation import cuts, scores
from keras_hypersphere.evaluation.folds import HeldOut


def standard(
    left: np.ndarray,
    right: np.ndarray,
    same: np.ndarray,
    fold: np.ndarray,
    count: int,
    distance: str,
) -> HeldOut:
    """Scores the embeddings as they are; see `lfw` for the arguments.

    The threshold of a fold makes the fewest errors on the pairs of all
    others; of several, the one in the middle of the widest gap.
    """
    values = scores.pair_scores(left, right, distance)
    return fewest_errors(values, same, fold, count, distance)


def fewest_errors(
    values: np.ndarray,
    same: np.ndarray,
    fold: np.ndarray,
    count: int,
    distance: str,
) -> HeldOut:
    """Decides scores; a score on the threshold of its fold is accepted."""
    larger = scores.larger_is_same(distance)
    oriented = values if larger else -values
    # One sort serves all folds: a part of a sorted list is sorted.
    order = np.argsort(-oriented, kind="stable")
    ordered, ordered_same = oriented[order], same[order]
    ordered_fold = fold[order]
    limits = np.empty(count)
    for index in range(count):
        training = ordered_fold != index
        counts = cuts.count_accepted(ordered[training], ordered_same[training])
        best = cuts.best_decision(*counts)
        limits[index] = cuts.thresholds(counts[0])[best]
    accepted = oriented >= limits[fold]
    return HeldOut(
        scores=values,
        thresholds=limits if larger else -limits,
        correct=accepted == same,
        larger_is_same=larger,
        distance=distance,
    )
