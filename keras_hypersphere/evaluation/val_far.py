"""FaceNet's validation rate, over several splits."""

import dataclasses

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks, scores
from keras_hypersphere.evaluation.folds import fold_of_pair
from keras_hypersphere.evaluation.roc import verification_report


@dataclasses.dataclass(frozen=True, eq=False)
class ValFarReport:
    """The validation rate of several splits.

    Args:
        val: mean of `vals`.
        standard_error: of that mean, `σ / √k` with the divisor `k` in `σ`.
        far: mean of `fars`, the false accept rate that was reached.
        vals: `(k,)` the validation rate of each split.
        fars: `(k,)` its false accept rate.
        thresholds: `(k,)` its threshold.
    """

    val: float
    standard_error: float
    far: float
    vals: np.ndarray
    fars: np.ndarray
    thresholds: np.ndarray


def val_far(
    left: ArrayLike,
    right: ArrayLike,
    same: ArrayLike,
    folds: int | ArrayLike = 10,
    far: float = 1e-3,
    distance: str = "squared-l2",
    failed: ArrayLike | None = None,
) -> ValFarReport:
    """Measures the validation rate at a false accept rate, as FaceNet does.

    `VAL(d) = |{same pairs: D <= d}| / |{same pairs}|` and
    `FAR(d) = |{different pairs: D <= d}| / |{different pairs}|`. In each
    split, `d` is the largest threshold whose FAR does not exceed `far`; the
    report has the mean of the splits and its standard error.

    The paper has five splits, each with 10 billion pairs of 200,000 photos,
    and does not hold anything out: `d` is found on the split itself. A split
    needs `1 / far` different pairs for one false accept; with fewer its VAL
    is that of no false accepts at all.

    Args:
        left: `(n, d)` embeddings of the first photo of each pair.
        right: `(n, d)` embeddings of the second.
        same: `(n,)` booleans (or 0 and 1): do both show one person?
        folds: number of splits, consecutive blocks of the list, or an
            `(n,)` vector with the split of each pair.
        far: the false accept rate. (The paper prints `10E-3` for 1e-3.)
        distance: `"squared-l2"` of the embeddings as they are, which FaceNet
            makes of unit length; or `"l2"`, or `"cosine"`, which is scored by
            the cosine itself: pairs of at least the threshold are accepted.
        failed: optional `(n,)` booleans: pairs without an embedding. They
            are wrong at every threshold, and their rows are not read.

    Returns:
        A `ValFarReport`: `val`, `standard_error`, `far`, and those of each
        split.

    Example:

    >>> left = [[0.0], [0.0], [0.0], [0.0]] * 2
    >>> right = [[0.1], [0.4], [0.3], [0.9], [0.1], [0.2], [0.5], [0.6]]
    >>> report = val_far(left, right, [1, 1, 0, 0] * 2, folds=2)
    >>> report.val, report.vals.tolist(), report.far
    (0.75, [0.5, 1.0], 0.0)

    Reference:

    * [FaceNet](https://arxiv.org/abs/1503.03832), Schroff et al., 2015,
      section 4. There is nothing interpolated here: the threshold between
      two that surround `far` is never one that exceeds it.
    """
    left = input_checks.as_embeddings(left, "left", "pairs")
    right = input_checks.as_embeddings(right, "right", "pairs")
    input_checks.require_one_shape(left, right)
    same = input_checks.as_flags(same, "same", len(left))
    input_checks.require_distance(distance)
    far = input_checks.as_number(far, "far", minimum=0.0, maximum=1.0)
    split, count = fold_of_pair(folds, len(left))
    if failed is None:
        failed = np.zeros(len(left), bool)
    failed = input_checks.as_flags(failed, "failed", len(left))
    values = np.zeros(len(left))
    values[~failed] = scores.pair_scores(
        left[~failed], right[~failed], distance
    )
    vals, fars, thresholds = np.empty((3, count))
    for index in range(count):
        mine = split == index
        input_checks.require_both_kinds(same[mine], f"Split {index + 1}")
        curve = verification_report(
            values[mine],
            same[mine],
            larger_is_same=scores.larger_is_same(distance),
            failed=failed[mine],
        )
        # Without any, the strictest: failed pairs alone exceed the rate.
        place = max(int(np.searchsorted(curve.far, far, side="right")) - 1, 0)
        vals[index] = curve.tar_at(far)
        fars[index] = curve.far[place]
        thresholds[index] = curve.thresholds[place]
    return ValFarReport(
        val=float(vals.mean()),
        standard_error=float(vals.std() / np.sqrt(count)),
        far=float(fars.mean()),
        vals=vals,
        fars=fars,
        thresholds=thresholds,
    )
