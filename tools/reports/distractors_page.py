"""The page about people who were looked for among distractors."""

import math

from keras_hypersphere.evaluation.megaface_report import MegaFaceReport
from keras_hypersphere.tools.evaluation.outcome_text import DISTRACTORS, too_few
from keras_hypersphere.tools.reports import distractors_figures, layout
from keras_hypersphere.tools.reports.svg import drawing
from keras_hypersphere.zoo import Card


def draw(report: MegaFaceReport, card: Card, found: dict) -> str:
    """Returns the page.

    Args:
        report: What was found, its scores kept for the curve.
        card: The model's.
        found: The subcommand's figures, see `tools/evaluation/probes.py`.
    """
    far = found["far"]
    last = len(report.ranks)
    body = [
        layout.numbers(
            [
                (f"{report.rank_1:.2%}", "rank 1"),
                *([(f"{report.ranks[-1]:.2%}", f"rank {last}")][: last - 1]),
                (f"{found['tar']:.2%}", f"TAR at FAR {far:g}"),
                (f"{found['threshold']:.4f}", "threshold for it"),
                (f"{report.distractors:,}", "distractors"),
            ]
        ),
        layout.note(too_few(found["different_pairs"], far, DISTRACTORS)),
        layout.drawings(
            [
                drawing(
                    "Identification rate by rank",
                    ranks_in_words(report),
                    lambda: distractors_figures.identification(report),
                ),
                drawing(
                    "ROC curve",
                    curve_in_words(report, far),
                    lambda: distractors_figures.verification(report, far),
                ),
            ]
        ),
        "<div class=tables><div><h2>Identification</h2>",
        layout.table(
            ("rank", "rate"),
            (
                (f"{rank:,}", f"{report.ranks[rank - 1]:.3%}")
                for rank in round_numbers(last)
            ),
        ),
        "</div><div><h2>Verification</h2>",
        layout.table(
            ("FAR", "TAR", "threshold"),
            (
                (
                    f"{rate:g}",
                    f"{report.tar_at(rate):.3%}",
                    f"{report.threshold_at(rate):.4f}",
                )
                for rate in rates(report, far)
            ),
        ),
        "</div></div>",
        layout.lost(
            "Probes without an embedding",
            "photo",
            found["photos_without_embedding"],
            "Their couples are counted as errors.",
        ),
        layout.lost(
            "Distractors without an embedding",
            "photo",
            found["distractors_without_embedding"],
            "They are left out.",
        ),
    ]
    return layout.document(
        card,
        f"rank 1 {report.rank_1:.2%}",
        f"{report.probes:,} probes of {found['persons']:,} persons among "
        f"{report.distractors:,} distractors, {report.couples:,} couples, "
        f"faces: {found['faces']}; distance {report.distance}",
        "".join(body),
        found["command"],
    )


def ranks_in_words(report: MegaFaceReport) -> str:
    """The curve of ranks, for those who do not see it."""
    found = ", ".join(
        f"{report.ranks[rank - 1]:.2%} up to rank {rank:,}"
        for rank in round_numbers(len(report.ranks))
    )
    return f"Identification rate: {found}."


def curve_in_words(report: MegaFaceReport, far: float) -> str:
    """The ROC curve, for those who do not see it."""
    found = ", ".join(
        f"{report.tar_at(rate):.2%} at {rate:g}" for rate in rates(report, far)
    )
    return f"True accept rate by false accept rate: {found}."


def round_numbers(last: int) -> list[int]:
    """1, 2, 5, 10, 20, 50, … and the last."""
    steps = [d * 10**n for n in range(len(str(last))) for d in (1, 2, 5)]
    return sorted({step for step in steps if step < last} | {last})


def rates(report: MegaFaceReport, far: float) -> list[float]:
    """Powers of ten that the pairs allow and whose scores are kept."""
    powers = (10.0**n for n in range(-math.ceil(math.log10(report.pairs)), 0))
    allowed = {p for p in powers if 1 / report.pairs <= p <= report.far}
    return sorted(allowed | {far})
