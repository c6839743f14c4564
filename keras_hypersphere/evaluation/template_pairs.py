"""1:1 verification of templates, by a list of pairs of any length."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks
from keras_hypersphere.evaluation.roc import (
    VerificationReport,
    verification_report,
)
from keras_hypersphere.evaluation.scores import row_scores

# Pairs whose vectors are copied at a time.
PAIRS = 65536


def template_pairs(
    vectors: ArrayLike,
    ids: Sequence | np.ndarray,
    left: Sequence | np.ndarray,
    right: Sequence | np.ndarray,
    same: ArrayLike,
) -> VerificationReport:
    """Measures whether pairs of templates are told apart, by their cosines.

    `tar_at(1e-6)` of the report is the TAR at a FAR of 1e-6, which takes a
    million pairs of different people to mean anything; `det()` is the DET
    curve. Vectors are taken pair by pair, never copied for all.

    Args:
        vectors: `(t, d)`, as `templates` returns them. One of zeros, whose
            faces all failed, is an error in each of its pairs.
        ids: `(t,)`, their ids, each once.
        left: `(n,)`, the id of the first template of each pair.
        right: `(n,)`, that of the second.
        same: `(n,)` booleans (or 0 and 1): is it one person?

    Returns:
        A `VerificationReport`: `tar_at(far)`, `det()`, `eer`, `auc`, …

    Raises:
        ValueError: If the arguments do not fit together, an id is unknown or
            there twice, vectors are not finite, or pairs are of one kind.

    Example:

    >>> report = template_pairs(
    ...     [[1, 0], [1, 0.2], [0, 1]], [1, 2, 3], [1, 1], [2, 3], [1, 0])
    >>> report.tar_at(1e-6)
    1.0

    Reference:

    * [IARPA Janus Benchmark - C](
      https://doi.org/10.1109/ICB2018.2018.00033), Maze et al., 2018. Its
      evaluations read the TAR off the ROC's nearest point; here no more than
      `far` ever passes.
    """
    rows = input_checks.as_embeddings(vectors, "vectors", "templates")
    input_checks.require_finite(
        rows, "vectors", hint="See `failed` of `templates`."
    )
    names = np.asarray(ids)
    order = np.argsort(names, kind="stable")
    if (
        names.shape != (len(rows),)
        or (names[order][1:] == names[order][:-1]).any()
    ):
        raise ValueError(
            f"`ids` must name each of the {len(rows)} templates, each once. "
            f"Received: ids of shape {names.shape}."
        )
    places = []
    for name, each in (("left", left), ("right", right)):
        asked = np.asarray(each)
        if asked.ndim != 1:
            raise ValueError(
                f"`{name}` must hold the id of a template for each pair. "
                f"Received: {name} of shape {asked.shape}."
            )
        found = np.searchsorted(names[order], asked)
        found = order[np.minimum(found, len(rows) - 1)]
        if (names[found] != asked).any():
            unknown = asked[np.argmax(names[found] != asked)]
            raise ValueError(
                f"`{name}` must hold ids of `ids`. Received: {unknown!r}."
            )
        places.append(found)
    if len(places[0]) != len(places[1]):
        raise ValueError(
            "`left` and `right` must be as long. Received: "
            f"{len(places[0])} and {len(places[1])}."
        )
    one, other = places
    scores = np.empty(len(one))
    for start in range(0, len(one), PAIRS):
        part = slice(start, start + PAIRS)
        scores[part] = row_scores(rows[one[part]], rows[other[part]])
    empty = (rows == 0).all(axis=1)
    return verification_report(scores, same, failed=empty[one] | empty[other])
