"""Angles of pairs after training with each loss, as `make bench-recipes`
measured them.
"""

import numpy as np
from matplotlib.figure import Figure

from docs.measured_losses import by_loss
from docs.pictures import style

COLUMNS = 3
HEIGHT = 1.55
# Degrees.
FROM, TO = 20, 130


def recipe_angles() -> Figure:
    """Of one person and of two, a panel for each loss; of the first seed."""
    losses = by_loss()
    lines = -(-len(losses) // COLUMNS)
    figure = Figure((7.0, HEIGHT * lines + 0.5), layout="constrained")
    panels = figure.subplots(
        lines, COLUMNS, sharex=True, sharey=True, squeeze=False
    )
    for panel in panels.flat[len(losses) :]:
        panel.set_axis_off()
    for (loss, rows), panel in zip(losses.items(), panels.flat, strict=False):
        for key, name, color in (
            ("same", "one person", style.BLUE),
            ("other", "two people", style.RED),
        ):
            # Of 4 degrees: finer ones are a large file.
            counts = np.array(rows[0][key]).reshape(-1, 2).sum(axis=1)
            width = 180 / len(counts)
            middle = width * (np.arange(len(counts)) + 0.5)
            shown = (middle > FROM) & (middle < TO)
            panel.plot(
                middle[shown],
                counts[shown] / counts.sum() / width,
                color=color,
                label=name,
            )
        panel.set_title(f"{loss}: AUC {rows[0]['auc']:.1%}", fontsize=8)
        panel.set_xlim(FROM, TO)
        panel.set_xticks((45, 90))
        panel.set_yticks([])
    # The lowest of each column.
    for panel in panels.flat[max(0, len(losses) - COLUMNS) : len(losses)]:
        panel.tick_params(labelbottom=True)
        panel.set_xlabel("angle of a pair (degrees)")
    if losses:
        figure.legend(
            *panels[0, 0].get_legend_handles_labels(),
            loc="outside upper center",
            ncols=2,
        )
    return figure
