"""How well scores tell same from different, with exact thresholds."""

import dataclasses
import warnings

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import cuts, input_checks


@dataclasses.dataclass(frozen=True, eq=False)
class VerificationReport:
    """The ROC curve of a list of pairs and what is read from it.

    `far` and `tar` hold every decision the scores allow, from the strictest;
    `thresholds` the threshold of each. A pair is accepted as "same" if its
    score is at least the threshold, or, where small scores mean alike, at
    most.

    Args:
        accuracy: best fraction of right answers over all thresholds. It is
            found on the pairs it is measured on: `lfw` gives a held-out one.
        threshold: where it is reached.
        auc: area under the curve; the chance that a same pair scores better
            than a different one, ties counting half.
        eer: error rate where false accepts equal false rejects, on the
            straight line between the two decisions around it.
        far: false accept rate of every decision, ascending.
        tar: true accept rate of every decision, ascending.
        thresholds: threshold of every decision.
    """

    accuracy: float
    threshold: float
    auc: float
    eer: float
    far: np.ndarray = dataclasses.field(repr=False)
    tar: np.ndarray = dataclasses.field(repr=False)
    thresholds: np.ndarray = dataclasses.field(repr=False)

    def tar_at(self, far: float) -> float:
        """Returns the largest TAR whose FAR does not exceed `far`."""
        index = self._decision_at(far)
        return 0.0 if index < 0 else float(self.tar[index])

    def threshold_at(self, far: float) -> float:
        """Returns the most generous threshold within `far`."""
        index = self._decision_at(far)
        if index < 0:
            raise ValueError(
                f"No threshold keeps the false accept rate within {far}: "
                f"{self.far[0]:.6g} of the different pairs failed."
            )
        return float(self.thresholds[index])

    def det(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the DET curve: the false accept and false reject rates."""
        return self.far, 1.0 - self.tar

    def _decision_at(self, far: float) -> int:
        input_checks.as_number(far, "far", minimum=0.0, maximum=1.0)
        return int(np.searchsorted(self.far, far, side="right")) - 1


def verification_report(
    scores: ArrayLike,
    same: ArrayLike,
    larger_is_same: bool = True,
    failed: ArrayLike | None = None,
) -> VerificationReport:
    """Measures how well `scores` tell same from different pairs.

    All thresholds are tried, none of a grid: sorted scores and running
    counts give every decision. Equal scores are decided alike; it warns if
    all are. Scores are taken as they are: whether those of embeddings differ
    by rounding alone is what `lfw` and the other protocols find.

    Args:
        scores: `(n,)` similarities, or distances with
            `larger_is_same=False`.
        same: `(n,)` booleans (or 0 and 1): do both belong together?
        larger_is_same: whether a large score speaks for "same".
        failed: optional `(n,)` booleans: pairs without a score. They are
            wrong at every threshold; what `scores` holds there is not read.

    Returns:
        A `VerificationReport`: `accuracy`, `threshold`, `auc`, `eer`,
        `tar_at(far)`, and the curve itself.

    Raises:
        ValueError: If scores are not finite, all pairs are of one kind, or
            all of them failed.

    Example:

    >>> report = verification_report([0.9, 0.8, 0.4, 0.1], [1, 1, 0, 0])
    >>> report.accuracy, round(report.threshold, 6), report.tar_at(0.0)
    (1.0, 0.6, 1.0)
    """
    scores = np.asarray(scores)
    if scores.ndim != 1 or scores.dtype.kind not in "fiuV":
        raise ValueError(
            "`scores` must be a vector of real numbers, one for each pair. "
            f"Received: scores of shape {scores.shape}, dtype {scores.dtype}."
        )
    scores = scores.astype(np.float64)
    same = input_checks.as_flags(same, "same", len(scores))
    input_checks.require_both_kinds(same, "`same`")
    if failed is None:
        failed = np.zeros(len(scores), bool)
    failed = input_checks.as_flags(failed, "failed", len(scores))
    if failed.all():
        raise ValueError(
            "`failed` must leave at least one pair with a score. "
            f"Received: all {len(failed)} pairs failed."
        )
    input_checks.require_finite(scores[~failed], "scores")

    oriented = scores[~failed] if larger_is_same else -scores[~failed]
    order = np.argsort(-oriented, kind="stable")
    values, accepted_same, accepted_different = cuts.count_accepted(
        oriented[order], same[~failed][order]
    )
    if len(values) == 1:
        warnings.warn(
            f"All {int((~failed).sum())} scores are one up to rounding and "
            "tell nothing: `auc` and `eer` are those of guessing, 0.5 where "
            "no pair failed. Have the embeddings collapsed?",
            stacklevel=2,
        )
    best = cuts.best_decision(values, accepted_same, accepted_different)
    limits = cuts.thresholds(values)
    limits = limits if larger_is_same else -limits

    different_count = int((~same).sum())
    same_count = len(same) - different_count
    # A failed different pair counts as accepted whatever the threshold is.
    false_accepts = accepted_different + int((failed & ~same).sum())
    far = false_accepts / different_count
    tar = accepted_same / same_count
    correct = accepted_same[best] + different_count - false_accepts[best]
    # Twice the number of (same, different) couples in the right order.
    couples = np.diff(accepted_different) @ (
        accepted_same[1:] + accepted_same[:-1]
    )
    return VerificationReport(
        accuracy=float(correct / len(same)),
        threshold=float(limits[best]),
        auc=float(couples / (2 * same_count * different_count)),
        eer=_equal_error_rate(far, tar),
        far=far,
        tar=tar,
        thresholds=limits,
    )


def _equal_error_rate(far: np.ndarray, tar: np.ndarray) -> float:
    # With the corners the curve is complete even where pairs failed.
    far = np.concatenate([[0.0], far, [1.0]])
    tar = np.concatenate([[0.0], tar, [1.0]])
    balance = far + tar - 1.0
    after = int(np.argmax(balance >= 0))
    before = after - 1
    share = -balance[before] / (balance[after] - balance[before])
    return float(far[before] + share * (far[after] - far[before]))
