"""Labeled Faces in the Wild: verification with folds, as published."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks
from keras_hypersphere.evaluation.folds import (
    HeldOut,
    fold_of_pair,
    require_trainable,
)
from keras_hypersphere.evaluation.lfw_normface import normface_pca
from keras_hypersphere.evaluation.lfw_sphereface import sphereface
from keras_hypersphere.evaluation.lfw_standard import standard
from keras_hypersphere.evaluation.report import Report, report_of

PROTOCOLS: dict[str, Callable[..., HeldOut]] = {
    "standard": standard,
    "sphereface": sphereface,
    "normface-pca": normface_pca,
}


def lfw(
    left: ArrayLike,
    right: ArrayLike,
    same: ArrayLike,
    folds: int | ArrayLike = 10,
    protocol: str = "standard",
    distance: str = "cosine",
    failed: ArrayLike | None = None,
) -> Report:
    """Measures verification accuracy by cross-validation over folds.

    The threshold of a fold is found on all other folds. Three published
    procedures:

    * `"standard"`: the embeddings as they are; the threshold with the fewest
      errors among all there are, found by counting (no grid). A score on
      the threshold is accepted.
    * `"sphereface"`: the mean of the training folds' embeddings (both
      columns, duplicates counted) is subtracted, the rest is normalized; the
      threshold is the mean of all best ones among -1, -0.9999, … 1; a score
      equal to the threshold is an error.
    * `"normface-pca"`: PCA of the training folds' embeddings, as many
      components as explain more than 99.5 % of their variance; normalized;
      Euclidean distance; a linear SVM (C = 1) finds the threshold.

    Args:
        left: `(n, d)` embeddings of the first photo of each pair.
        right: `(n, d)` embeddings of the second.
        same: `(n,)` booleans (or 0 and 1): do both show one person?
        folds: number of folds, consecutive blocks of the list as it is
            (LFW's `pairs.txt` is ordered so that each block of 600 is a
            fold), or an `(n,)` vector with the fold of each pair.
        protocol: `"standard"`, `"sphereface"` or `"normface-pca"`.
        distance: `"cosine"`, which is scored by the cosine itself, so that
            larger is more alike, `"l2"` or `"squared-l2"`. The published
            procedures fix theirs: leave it alone there. With others,
            `"sphereface"` spreads its thresholds over [0, 2] or [0, 4];
            `"normface-pca"` reads `"cosine"` as its own `"l2"`.
        failed: optional `(n,)` booleans: pairs without an embedding, for
            instance where no face was detected. They count as errors, take
            no part in means, components and thresholds, and their rows are
            not read.

    Returns:
        A `Report`: `accuracy` (a fraction), `std`, `folds`, `thresholds`,
        `auc`, `eer`, `tar` (at a false accept rate of 1e-3), and more.

    Example:

    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> left = random.normal(size=(600, 8))
    >>> same = np.arange(600) // 30 % 2 == 0
    >>> right = np.where(same[:, None], left, random.normal(size=(600, 8)))
    >>> lfw(left, right, same).accuracy
    1.0

    Reference:

    * [LFW](https://vis-www.cs.umass.edu/lfw/), Huang et al., 2007
    * [SphereFace](https://arxiv.org/abs/1704.08063), Liu et al., 2017
    * [NormFace](https://arxiv.org/abs/1704.06369), Wang et al., 2017. Its
      script prints accuracies without PCA that are not cross-validated;
      such numbers are not offered.
    """
    left = input_checks.as_embeddings(left, "left", "pairs")
    right = input_checks.as_embeddings(right, "right", "pairs")
    input_checks.require_one_shape(left, right)
    same = input_checks.as_flags(same, "same", len(left))
    input_checks.require_both_kinds(same, "`same`")
    input_checks.require_distance(distance)
    input_checks.require_choice(protocol, "protocol", PROTOCOLS)
    fold, count = fold_of_pair(folds, len(left))
    if failed is None:
        failed = np.zeros(len(left), bool)
    failed = input_checks.as_flags(failed, "failed", len(left))
    used = ~failed
    if failed.any():
        left, right = left[used], right[used]
    require_trainable(fold[used], count, same[used])

    held_out = PROTOCOLS[protocol](
        left, right, same[used], fold[used], count, distance
    )
    return report_of(held_out, same, fold, used, protocol)
