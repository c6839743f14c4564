"""Which pair belongs to which fold, and how a protocol uses the others."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks


@dataclasses.dataclass(frozen=True, eq=False)
class HeldOut:
    """What a protocol says about each pair while its fold is held out.

    Args:
        scores: `(n,)` score of each pair.
        thresholds: `(k,)` threshold of each fold.
        correct: `(n,)` booleans: pairs answered right. A protocol may call
            a tie neither.
        larger_is_same: how `scores` are read.
        distance: what `scores` are.
    """

    scores: np.ndarray
    thresholds: np.ndarray
    correct: np.ndarray
    larger_is_same: bool
    distance: str


def fold_of_pair(folds: int | ArrayLike, pairs: int) -> tuple[np.ndarray, int]:
    """Returns the fold of each pair and the number of folds.

    A number cuts the list into that many consecutive blocks, as long as each
    other (up to one pair); a vector names the fold of each pair.
    """
    ids = np.asarray(folds)
    if ids.ndim == 0:
        if ids.dtype.kind not in "iu" or not 2 <= ids <= pairs:
            raise ValueError(
                "`folds` must be a whole number from 2 to the number of "
                f"pairs, {pairs}, or one fold for each pair. "
                f"Received: folds={folds!r}."
            )
        return np.arange(pairs) * int(ids) // pairs, int(ids)
    if ids.shape != (pairs,):
        raise ValueError(
            f"`folds` must name one fold for each of the {pairs} pairs. "
            f"Received: folds of shape {ids.shape}."
        )
    names, places = np.unique(ids, return_inverse=True)
    if len(names) < 2:
        raise ValueError(
            "`folds` must name at least two different folds. "
            f"Received: only {names[0]!r}."
        )
    return places, len(names)


def require_trainable(fold: np.ndarray, count: int, same: np.ndarray) -> None:
    """Raises an error unless each fold's training pairs are of both kinds."""
    for index in range(count):
        input_checks.require_both_kinds(
            same[fold != index], f"The training pairs of fold {index + 1}"
        )
