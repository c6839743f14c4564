"""The curves of a run."""

import dataclasses
import functools
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from keras_hypersphere.tools.reports.axes import empty
from keras_hypersphere.tools.reports.svg import LINES, drawing
from keras_hypersphere.tools.training.log import EPOCH, Row

# Inches: the page shows two next to each other.
SIZE = (4.8, 3.0)


@dataclasses.dataclass(frozen=True)
class Curve:
    """One drawing: lines over the epochs.

    Args:
        title: What it shows.
        lines: Column of the log, and what it is called; those that the log
            lacks are left out, and the drawing without any.
        percent: Whether values are shares.
        log: Whether the axis is logarithmic, where values allow it.
    """

    title: str
    lines: dict[str, str]
    percent: bool = False
    log: bool = False


CURVES = (
    Curve(
        "Loss",
        {
            "loss": "trained on",
            "loss_without_margin": "without the margin",
            "plain_loss": "without the margin",
        },
    ),
    Curve(
        "Training accuracy",
        {"accuracy": "without", "accuracy_with_margin": "with the margin"},
        percent=True,
    ),
    Curve("Verification", {"val_auc": "AUC", "val_accuracy": "accuracy"}, True),
    Curve("True accept rate", {"val_tar_at_far_": "TAR at FAR "}, True),
    Curve("λ of the margin", {"annealing": "λ"}, log=True),
    Curve("Learning rate", {"learning_rate": "learning rate"}, log=True),
    Curve("Length of embeddings", {"embedding_norm": "mean norm"}),
    Curve("Angle to the own class", {"target_angle": "degrees"}),
    Curve("Spread of embeddings", {"embedding_spread": "1 is the best"}),
    Curve("Photos a second", {"photos_per_second": "training"}),
)


def drawings(rows: Sequence[Row]) -> list[str]:
    """What there is to draw, as parts of a page."""
    found = []
    for curve in CURVES:
        lines = lines_of(curve, rows)
        if lines:
            words = in_words(curve, lines)
            draw_it = functools.partial(draw, curve, lines)
            found.append(drawing(curve.title, words, draw_it))
    return found


Line = tuple[str, list[int], list[float]]


def lines_of(curve: Curve, rows: Sequence[Row]) -> list[Line]:
    """Name, epochs and values of the lines that the log has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    found: dict[str, Line] = {}
    for column, label in curve.lines.items():
        # A name that ends in `_` stands for all that begin with it.
        many = column.endswith("_")
        for name in names:
            if name != column and not (many and name.startswith(column)):
                continue
            called = label
            if many:
                called += f"{float(name.removeprefix(column)):.4g}"
            points = [(r[EPOCH], r[name]) for r in rows if name in r]
            points = [p for p in points if p[1] == p[1]]
            if points and called not in found:
                epochs, values = zip(*points, strict=True)
                found[called] = called, [int(e) for e in epochs], list(values)
    return list(found.values())


def in_words(curve: Curve, lines: Sequence[Line]) -> str:
    """What a curve shows, for those who do not see it."""

    def number(value: float) -> str:
        return f"{value:.2%}" if curve.percent else f"{value:.4g}"

    parts = [
        f"{name}: {number(values[0])} in epoch {epochs[0]}, "
        f"{number(values[-1])} in epoch {epochs[-1]}, lowest "
        f"{number(min(values))}, highest {number(max(values))}"
        for name, epochs, values in lines
    ]
    return f"{curve.title}. {'; '.join(parts)}."


def draw(curve: Curve, lines: Sequence[Line]) -> Figure:
    """One drawing."""
    figure, axes = empty()
    figure.set_size_inches(SIZE)
    for (name, epochs, values), color in zip(lines, LINES, strict=False):
        axes.plot(
            epochs,
            values,
            color=color,
            linewidth=2,
            marker="o" if len(epochs) <= 30 else None,
            markersize=4,
            label=name,
            clip_on=False,
        )
    first = min(line[1][0] for line in lines)
    last = max(line[1][-1] for line in lines)
    if first == last:
        axes.set_xlim(first - 1, last + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    lowest = min(min(values) for *_, values in lines)
    highest = max(max(values) for *_, values in lines)
    if lowest == highest:
        # Nothing but the rounding of the ticks would be seen.
        axes.set_ylim(sorted((0.0, 2.0 * highest or 1.0)))
    if curve.log and 0 < 10 * lowest < highest:
        axes.set_yscale("log")
    if curve.percent:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.grid(True, alpha=0.2)
    if len(lines) > 1 or lines[0][0] not in curve.lines.values():
        axes.legend(
            frameon=False,
            ncols=len(lines),
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
        )
    return figure
