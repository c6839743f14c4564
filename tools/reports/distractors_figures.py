"""The pictures of people among distractors: ranks and verification."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from keras_hypersphere.evaluation.megaface_report import MegaFaceReport
from keras_hypersphere.tools.reports.axes import (
    SAME,
    empty,
    rates_over_far,
    share_axis,
)
from keras_hypersphere.tools.reports.svg import INK


def identification(report: MegaFaceReport) -> Figure:
    """Draws which share of the mates is found up to each rank."""
    figure, axes = empty()
    ranks = range(1, len(report.ranks) + 1)
    marker = "o" if len(report.ranks) <= 20 else None
    axes.plot(
        ranks,
        report.ranks,
        marker=marker,
        color=SAME,
        linewidth=2,
        clip_on=False,
    )
    axes.set_xlim(0.5, len(report.ranks) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    share_axis(axes, report.rank_1)
    axes.set_xlabel("rank")
    axes.set_ylabel("identification rate")
    axes.grid(True, alpha=0.25)
    return figure


def verification(report: MegaFaceReport, far: float) -> Figure:
    """Draws TAR over FAR, the latter logarithmic, and the TAR at `far`.

    The curve ends where no more scores were kept. What is accepted without
    any false accept is drawn at the left edge.
    """
    figure, axes = empty()
    smallest = 1.0 / report.pairs
    curve = report.curve()
    edge = rates_over_far(
        axes, *curve, smallest, max(curve[0][-1], 2 * smallest)
    )
    axes.plot(
        max(far, edge),
        report.tar_at(far),
        "o",
        color=INK,
        clip_on=False,
        label=f"TAR {report.tar_at(far):.2%} at FAR {far:g}",
    )
    share_axis(axes, report.tar_at(0.0))
    axes.set_ylabel("true accept rate")
    # Above: below it would hide the curve of a weak model.
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1.0, 1.0))
    return figure
