"""The pictures of pairs that were told apart: curve and histograms."""

import numpy as np
from matplotlib.figure import Figure

from keras_hypersphere.evaluation import Report
from keras_hypersphere.evaluation.report import FAR
from keras_hypersphere.tools.evaluation.outcome_text import is_too_few
from keras_hypersphere.tools.reports.axes import (
    DIFFERENT,
    SAME,
    empty,
    rates_over_far,
    share_axis,
)
from keras_hypersphere.tools.reports.svg import INK

BINS = 80
AXES = {
    "cosine": "cosine",
    "l2": "Euclidean distance",
    "squared-l2": "squared Euclidean distance",
    "decision": "decision value",
}


def roc(report: Report, same: np.ndarray) -> Figure:
    """Draws TAR over FAR, the latter logarithmic.

    Below one false accept in all different pairs there is nothing to see;
    what is accepted without any is drawn at the left edge.
    """
    figure, axes = empty()
    different = int((~same).sum())
    smallest = 1.0 / different
    far, tar = report.curve.far, report.curve.tar
    edge = rates_over_far(axes, far, tar, smallest, 1.0)
    if is_too_few(different, FAR):
        axes.plot(
            edge,
            report.tar,
            "s",
            color=INK,
            markersize=11,
            fillstyle="none",
            clip_on=False,
            label=f"TAR {report.tar:.2%} without a false accept",
        )
    else:
        axes.axvline(
            FAR,
            color=INK,
            linewidth=1,
            linestyle=":",
            label=f"TAR {report.tar:.2%} at FAR {FAR:.1%}",
        )
    axes.plot(
        max(report.eer, edge),
        1 - report.eer,
        "o",
        color=DIFFERENT,
        clip_on=False,
        label=f"equal error rate {report.eer:.2%}",
    )
    share_axis(axes, min(report.tar, report.tar_at(smallest), 1 - report.eer))
    axes.set_ylabel("true accept rate")
    # Above: below it would hide the curve of a weak model.
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    return figure


def histograms(report: Report, same: np.ndarray) -> Figure:
    """Draws how the scores of same and different pairs are spread."""
    figure, axes = empty()
    scored = np.isfinite(report.scores)
    values = report.scores[scored]
    edges = np.histogram_bin_edges(values, BINS)
    for kind, color, name in (
        (same[scored], SAME, "same person"),
        (~same[scored], DIFFERENT, "different persons"),
    ):
        axes.hist(
            values[kind],
            list(edges),
            color=color,
            alpha=0.6,
            label=name,
            linewidth=0,
        )
    threshold = float(np.mean(report.thresholds))
    axes.axvline(threshold, color=INK, linewidth=1, linestyle="--")
    axes.annotate(
        f"threshold {threshold:.3f}",
        (threshold, 0.97),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        xytext=(5, 0),
        va="top",
        color=INK,
    )
    axes.set_xlabel(AXES[report.distance])
    axes.set_ylabel("pairs")
    axes.legend(
        frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1.0)
    )
    return figure
