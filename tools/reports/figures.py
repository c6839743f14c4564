"""The pictures of an evaluation: curve and histograms."""

import numpy as np
from matplotlib.figure import Figure

from keras_hypersphere.evaluation import Report
from keras_hypersphere.evaluation.report import FAR

SAME, DIFFERENT, INK = "#2f6db3", "#d9722e", "#444444"
SIZE = (6.4, 4.2)
BINS = 80
AXES = {
    "cosine": "cosine",
    "l2": "Euclidean distance",
    "squared-l2": "squared Euclidean distance",
}


def roc(report: Report, same: np.ndarray) -> Figure:
    """Draws TAR over FAR, the latter logarithmic.

    Below one false accept in all different pairs there is nothing to see;
    what is accepted without any is drawn at the left edge.
    """
    figure, axes = empty()
    smallest = 1.0 / int((~same).sum())
    far = np.maximum(report.curve.far, smallest / 2)
    axes.step(far, report.curve.tar, where="post", color=SAME, linewidth=2)
    if smallest / 2 < FAR:
        axes.axvline(FAR, color=INK, linewidth=0.8, linestyle=":")
        axes.annotate(
            f"TAR {report.tar:.2%}\nat FAR {FAR:.1%}",
            (FAR, report.tar),
            textcoords="offset points",
            xytext=(8, -34),
            color=INK,
        )
    axes.plot(report.eer, 1 - report.eer, "o", color=DIFFERENT)
    axes.annotate(
        f"EER {report.eer:.2%}",
        (report.eer, 1 - report.eer),
        textcoords="offset points",
        xytext=(8, -14),
        color=INK,
    )
    low = report.tar_at(smallest)
    axes.set_xscale("log")
    axes.set_xlim(smallest / 2, 1.0)
    axes.set_ylim(max(0.0, low - 0.1 * (1.05 - low)), 1.005)
    axes.set_xlabel("false accept rate (log)")
    axes.set_ylabel("true accept rate")
    axes.grid(True, which="major", alpha=0.25)
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
            values[kind], edges, color=color, alpha=0.6, label=name, linewidth=0
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


def empty() -> tuple[Figure, object]:
    """Returns a figure without a window, and its axes."""
    figure = Figure(figsize=SIZE, dpi=130, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
