"""Axes that the pictures of all reports share."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from keras_hypersphere.tools.reports.svg import LINES

# The page sets the colors, see svg.py.
SAME, DIFFERENT, _ = LINES
SIZE = (4.8, 3.4)


def empty() -> tuple[Figure, Axes]:
    """Returns a figure without a window, and its axes."""
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def rates_over_far(
    axes: Axes,
    far: np.ndarray,
    tar: np.ndarray,
    smallest: float,
    largest: float,
) -> float:
    """Draws true accept rates over false ones, the latter logarithmic.

    Args:
        axes: Where.
        far: False accept rates, ascending.
        tar: The true accept rates there.
        smallest: The rate of one false accept.
        largest: Where the axis ends.

    Returns:
        The left edge, which stands for no false accept at all.
    """
    edge = smallest / 2
    axes.step(
        np.maximum(far, edge),
        tar,
        where="post",
        color=SAME,
        linewidth=2,
        solid_capstyle="butt",
    )
    axes.set_xscale("log")
    axes.set_xlim(edge, largest)
    axes.set_xlabel("false accept rate (log)")
    axes.grid(True, which="major", alpha=0.25)
    return edge


def share_axis(axes: Axes, low: float) -> None:
    """Shows shares from somewhat below `low` to 1, in percent.

    At least a tenth is shown: of a perfect result the rounding of the ticks
    would be seen, and nothing else.
    """
    bottom = max(0.0, math.floor(20 * min(low - 0.02, 0.9)) / 20)
    axes.set_ylim(bottom, 1.0)
    ticks = [x for x in axes.get_yticks() if bottom - 1e-9 <= x <= 1 + 1e-9]
    axes.set_yticks(ticks)
    axes.set_ylim(bottom, 1 + 0.03 * (1 - bottom))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
