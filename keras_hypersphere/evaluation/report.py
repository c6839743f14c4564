"""What a cross-validated verification protocol found."""

import dataclasses

import numpy as np

from keras_hypersphere.evaluation.folds import HeldOut
from keras_hypersphere.evaluation.roc import (
    VerificationReport,
    verification_report,
)

# The false accept rate at which `tar` is read.
FAR = 1e-3


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """The result of a protocol with folds.

    Args:
        accuracy: mean of `folds`, a fraction.
        std: standard deviation of `folds` (the population's, divisor `k`).
        folds: `(k,)` accuracy of each fold, its threshold found on the
            others.
        thresholds: `(k,)` threshold of each fold, in units of `scores`.
        auc: area under the ROC curve of all held-out scores together.
        eer: equal error rate of that curve.
        tar: true accept rate of that curve at a false accept rate of 1e-3.
        protocol: the procedure's name.
        distance: "cosine", whose scores are the cosines themselves, "l2",
            "squared-l2", or "decision", whose scores are the values of a
            support vector machine, which accepts from 0 on.
        scores: `(n,)` held-out score of each pair. A pair that failed has the
            worst one there is, infinity or its negative.
        correct: `(n,)` booleans: pairs that were answered right.
        fold_of_pair: `(n,)` which fold each pair belongs to.
        curve: the ROC curve itself.
    """

    accuracy: float
    std: float
    folds: np.ndarray
    thresholds: np.ndarray
    auc: float
    eer: float
    tar: float
    protocol: str
    distance: str
    scores: np.ndarray = dataclasses.field(repr=False)
    correct: np.ndarray = dataclasses.field(repr=False)
    fold_of_pair: np.ndarray = dataclasses.field(repr=False)
    curve: VerificationReport = dataclasses.field(repr=False)

    @property
    def larger_is_same(self) -> bool:
        """Whether a large score speaks for "same"; a distance does not."""
        return self.distance in ("cosine", "decision")

    @property
    def standard_error(self) -> float:
        """Standard error of the mean as the papers print it: `std / √k`."""
        return self.std / float(np.sqrt(len(self.folds)))

    def tar_at(self, far: float) -> float:
        """Returns the largest TAR whose FAR does not exceed `far`."""
        return self.curve.tar_at(far)


def report_of(
    held_out: HeldOut,
    same: np.ndarray,
    fold: np.ndarray,
    used: np.ndarray,
    protocol: str,
) -> Report:
    """Returns the report of a protocol.

    Args:
        held_out: what the protocol found, for the `used` pairs only.
        same: `(n,)` booleans of all pairs.
        fold: `(n,)` the fold of each, from 0.
        used: `(n,)` booleans, false for pairs that failed.
        protocol: the procedure's name.
    """
    correct = np.zeros(len(same), bool)
    correct[used] = held_out.correct
    accuracies = np.bincount(fold, correct) / np.bincount(fold)
    # The worst score there is: alike for different, unlike for same.
    worst = np.where(same, -np.inf, np.inf)
    scores = worst if held_out.larger_is_same else -worst
    scores[used] = held_out.scores
    curve = verification_report(scores, same, held_out.larger_is_same, ~used)
    return Report(
        accuracy=float(accuracies.mean()),
        std=float(accuracies.std()),
        folds=accuracies,
        thresholds=held_out.thresholds,
        auc=curve.auc,
        eer=curve.eer,
        tar=curve.tar_at(FAR),
        protocol=protocol,
        distance=held_out.distance,
        scores=scores,
        correct=correct,
        fold_of_pair=fold,
        curve=curve,
    )
