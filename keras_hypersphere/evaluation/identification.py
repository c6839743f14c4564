"""1:N identification in an open set: TPIR at FPIR, and ranks."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.evaluation import input_checks
from keras_hypersphere.evaluation.roc import (
    VerificationReport,
    verification_report,
)
from keras_hypersphere.evaluation.scores import row_scores, unit_rows

# Scores of a block of probes, 64 MB of float64.
SCORES = 2**23
# Products of unit vectors that differ by less are computed again.
CLOSE = 1e-12


@dataclasses.dataclass(frozen=True, eq=False)
class IdentificationReport:
    """How well probes find their template in a gallery.

    Args:
        rank_1: share of the mated probes whose mate comes before all others.
        ranks: `(k,)` share whose mate is among the first 1, 2, … k.
        mated: number of probes whose person is in the gallery.
        non_mated: number of the others.
        decisions: every threshold: its `far` are the FPIR, its `tar` the
            TPIR. None if there are no non-mated probes.
    """

    rank_1: float
    ranks: np.ndarray
    mated: int
    non_mated: int
    decisions: VerificationReport | None = dataclasses.field(repr=False)

    def tpir_at(self, fpir: float) -> float:
        """Returns the largest TPIR whose FPIR does not exceed `fpir`."""
        if self.decisions is None:
            raise ValueError(
                "`fpir` needs probes of people who are not in the gallery. "
                "Received: none."
            )
        return self.decisions.tar_at(fpir)


def identification(
    gallery: ArrayLike,
    gallery_labels: Sequence | np.ndarray,
    probes: ArrayLike,
    probe_labels: Sequence | np.ndarray,
    ranks: int = 10,
    failed: ArrayLike | None = None,
) -> IdentificationReport:
    """Measures who is found in a gallery, and who is taken for somebody.

    Scores are cosines. A probe is mated if its person is in the gallery. The
    rank of the mate is 1 plus the number of other people who score as well
    or better: ties count against the model.

        TPIR(t) = share of mated probes with rank 1 and a score >= t
        FPIR(t) = share of non-mated probes with any score >= t

    All thresholds are tried, none of a grid; see `verification_report`.

    Args:
        gallery: `(g, d)`, a template of each person: see `templates`.
        gallery_labels: `(g,)`, the person of each.
        probes: `(p, d)` templates.
        probe_labels: `(p,)`, the person of each.
        ranks: up to which rank to report.
        failed: optional `(p,)` booleans: probes without a template. They are
            errors at every threshold and rank; their rows are not read.

    Returns:
        An `IdentificationReport`: `rank_1`, `ranks`, `tpir_at(fpir)`;
        `decisions.det()` is the curve of 1 - TPIR over FPIR.

    Raises:
        ValueError: If the arguments do not fit together, a person is in the
            gallery twice, no probe is mated, or vectors are not finite.

    Example:

    >>> report = identification(
    ...     [[1, 0], [0, 1]], ["Ann", "Ben"],
    ...     [[1, 0.1], [0.1, 1], [1, 1]], ["Ann", "Ben", "Cleo"], ranks=1)
    >>> report.rank_1, report.tpir_at(0.0)
    (1.0, 1.0)

    Reference:

    * [Face Recognition Vendor Test, Part 2: Identification](
      https://doi.org/10.6028/NIST.IR.8271), Grother et al., 2019. FNIR is
      1 - TPIR there, with the rank limited to 1.
    """
    known = input_checks.as_embeddings(gallery, "gallery", "templates")
    asked = input_checks.as_embeddings(probes, "probes", "templates")
    if known.shape[1] != asked.shape[1]:
        raise ValueError(
            "`probes` must have as many dimensions as `gallery`. Received: "
            f"{asked.shape[1]} and {known.shape[1]}."
        )
    people, labels = np.asarray(gallery_labels), np.asarray(probe_labels)
    for name, array, rows in (
        ("gallery_labels", people, known),
        ("probe_labels", labels, asked),
    ):
        if array.shape != (len(rows),):
            raise ValueError(
                f"`{name}` must name the person of each of the {len(rows)} "
                f"templates. Received: {name} of shape {array.shape}."
            )
    order = np.argsort(people, kind="stable")
    if (people[order][1:] == people[order][:-1]).any():
        raise ValueError(
            "`gallery_labels` must name each person once: make one template "
            "of all photos of a person with `templates`."
        )
    if not isinstance(ranks, (int, np.integer)) or ranks < 1:
        raise ValueError(
            f"`ranks` must be a whole number from 1. Received: ranks={ranks!r}."
        )
    if failed is None:
        failed = np.zeros(len(asked), bool)
    failed = input_checks.as_flags(failed, "failed", len(asked), "probes")
    input_checks.require_finite(
        known, "gallery", hint="Leave such templates out."
    )
    input_checks.require_finite(
        asked[~failed], "probes", hint="Mark such probes with `failed`."
    )
    place = order[
        np.minimum(np.searchsorted(people[order], labels), len(people) - 1)
    ]
    mated = people[place] == labels
    if not mated.any():
        raise ValueError(
            "`probe_labels` must name somebody of the gallery. Received: "
            f"{len(labels)} probes of other people."
        )
    score = np.zeros(len(asked))
    better = np.full(len(asked), len(known))
    units = unit_rows(known.astype(np.float64))
    step = max(1, SCORES // len(units))
    todo = np.flatnonzero(~failed)
    for start in range(0, len(todo), step):
        rows = todo[start : start + step]
        score[rows], better[rows] = _scores(
            unit_rows(asked[rows].astype(np.float64)),
            units,
            np.where(mated[rows], place[rows], -1),
        )
    found = better[mated & ~failed]
    share = [(found < rank).sum() / mated.sum() for rank in range(1, ranks + 1)]
    decisions = None
    if not mated.all() and not (failed | (mated & (better > 0))).all():
        decisions = verification_report(
            score, mated, failed=failed | (mated & (better > 0))
        )
    return IdentificationReport(
        rank_1=float(share[0]),
        ranks=np.array(share),
        mated=int(mated.sum()),
        non_mated=int((~mated).sum()),
        decisions=decisions,
    )


def _scores(
    probes: np.ndarray, gallery: np.ndarray, mates: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The score that counts, and how many others reach that of the mate.

    It is the mate's, or of a probe without one (-1) the best. Whatever a
    product of matrices cannot tell apart is computed pair by pair, so that
    copies of a template tie.
    """
    products = probes @ gallery.T
    every = np.arange(len(probes))
    alone = mates < 0
    limit = np.where(alone, products.max(axis=1), products[every, mates])
    line, column = np.nonzero(np.abs(products - limit[:, None]) <= CLOSE)
    exact = row_scores(probes[line], gallery[column])
    score = np.full(len(probes), -np.inf)
    counted = alone[line] | (column == mates[line])
    np.maximum.at(score, line[counted], exact[counted])
    better = (products > limit[:, None] + CLOSE).sum(axis=1)
    ties = (exact >= score[line]) & (column != mates[line])
    np.add.at(better, line[ties], 1)
    return score, np.where(alone, 0, better)
