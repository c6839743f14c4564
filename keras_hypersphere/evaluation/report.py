"""What a cross-validated verification protocol found."""

import dataclasses

import numpy as np

from keras_hypersphere.evaluation.roc import VerificationReport

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
        distance: what `scores` are: "cosine", "l2" or "squared-l2".
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
    def standard_error(self) -> float:
        """Standard error of the mean as the papers print it: `std / √k`."""
        return self.std / float(np.sqrt(len(self.folds)))

    def tar_at(self, far: float) -> float:
        """Returns the largest TAR whose FAR does not exceed `far`."""
        return self.curve.tar_at(far)
