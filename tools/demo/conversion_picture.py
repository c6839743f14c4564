"""The picture of job 2: digits with answers, and the blobs' differences."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_hypersphere.tools.caffe import Verification
from keras_hypersphere.tools.caffe.verification.report import TOLERANCE
from keras_hypersphere.tools.samples.digits import Digits

INK, FAINT = "#22303c", "#6b7a87"
RIGHT, WRONG = "#1a936f", "#c8553d"
ROWS, COLUMNS = 6, 10
# Below the least float32 step a bar would have no length on a log scale.
FLOOR = 1e-9


def draw(
    path: Path, held_out: Digits, guesses: np.ndarray, report: Verification
) -> None:
    """Draws the mistakes first, then other digits, and the differences.

    Args:
        path: The PNG to write.
        held_out: The digits; those held out are drawn.
        guesses: What the network read in each.
        report: What `verify` found.
    """
    figure = Figure(figsize=(15, 7.2), facecolor="white")
    FigureCanvasAgg(figure)
    left, right = figure.subfigures(1, 2, width_ratios=[1.25, 1.0])
    show_digits(left, held_out, guesses)
    show_differences(right, report)
    figure.savefig(path, dpi=100)


def show_digits(panel: Any, held_out: Digits, guesses: np.ndarray) -> None:
    """Mistakes with a red frame, and evenly chosen others."""
    labels = held_out.test_labels
    wrong = np.flatnonzero(guesses != labels)
    good = np.flatnonzero(guesses == labels)
    space = ROWS * COLUMNS
    mistakes = wrong[: space // 2]
    places = np.linspace(0, len(good) - 1, space - len(mistakes)).astype(int)
    chosen = [*mistakes, *good[places]]
    accuracy = len(good) / len(labels)
    panel.suptitle(
        f"{len(good)} of {len(labels)} held-out digits read correctly "
        f"({accuracy:.1%}); mistakes come first",
        color=INK,
        fontsize=13,
        y=0.975,
    )
    panel.text(
        0.5, 0.015, held_out.source, ha="center", color=FAINT, fontsize=10
    )
    axes = panel.subplots(
        ROWS,
        COLUMNS,
        gridspec_kw={
            "left": 0.02,
            "right": 0.98,
            "top": 0.9,
            "bottom": 0.06,
            "hspace": 0.35,
            "wspace": 0.1,
        },
    )
    for axis, index in zip(axes.flat, chosen, strict=True):
        axis.imshow(held_out.test_images[index], cmap="gray_r")
        axis.set_axis_off()
        mistaken = guesses[index] != labels[index]
        words = f"{guesses[index]}"
        if mistaken:
            words = f"{guesses[index]}, not {labels[index]}"
            axis.add_patch(
                Rectangle((0, 0), 27, 27, fill=False, ec=WRONG, lw=2)
            )
        axis.set_title(
            words,
            fontsize=10,
            color=WRONG if mistaken else RIGHT,
            pad=3,
            fontweight="bold" if mistaken else "normal",
        )


def show_differences(panel: Any, report: Verification) -> None:
    """One bar a layer, on a log scale, with the tolerance as a line."""
    axis = panel.subplots(
        gridspec_kw={"left": 0.2, "right": 0.95, "top": 0.9, "bottom": 0.1}
    )
    rows = report.rows
    oracle = next((row.oracle for row in rows if row.oracle), None)
    panel.suptitle(
        f"largest difference from {oracle}, layer by layer"
        if oracle
        else "no oracle was there to compare with",
        color=INK,
        fontsize=13,
        y=0.975,
    )
    sizes = [max(row.relative or 0, FLOOR) for row in rows]
    colors = {"ok": RIGHT, "differs": WRONG, "unchecked": FAINT}
    axis.barh(
        range(len(rows)),
        # A bar on a log scale begins at its left edge, not at 0.
        [size - FLOOR for size in sizes],
        left=FLOOR,
        color=[colors[row.status] for row in rows],
        height=0.7,
    )
    for place, row in enumerate(rows):
        words = {None: row.status, 0.0: "0"}.get(
            row.relative, f"{row.relative or 0:.1e}"
        )
        axis.text(
            sizes[place] * 1.25,
            place,
            words,
            va="center",
            color=FAINT,
            fontsize=9,
        )
    axis.axvline(TOLERANCE, color=WRONG, ls="--", lw=1.2)
    axis.text(
        TOLERANCE * 0.85,
        len(rows) - 0.6,
        "tolerance",
        color=WRONG,
        fontsize=9,
        ha="right",
        va="center",
    )
    axis.set_xscale("log")
    axis.set_xlim(FLOOR, 1e-3)
    axis.set_ylim(len(rows), -1)
    axis.set_yticks(range(len(rows)), [row.layer for row in rows])
    axis.tick_params(colors=INK, labelsize=9)
    axis.set_xlabel("of the blob's range", color=INK)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
