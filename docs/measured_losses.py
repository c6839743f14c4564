"""What docs/recipes.md and docs/which-head.md tell of `make bench-recipes`.

The command adds a line to docs/measured/recipes.jsonl for each loss and seed.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from docs.cards import table

RESULTS = Path(__file__).parent / "measured" / "recipes.jsonl"
FIGURES = ("auc", "tar", "recall")
COLUMNS = "loss, AUC, TAR at FAR 1 %, recall@1, CPU minutes, seeds"


def results() -> list[dict]:
    """One for each loss and seed; a line that was cut off is none."""
    found = []
    for line in RESULTS.read_text().splitlines() if RESULTS.exists() else ():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def by_loss(packaged: bool = False) -> dict[str, list[dict]]:
    """The trainings of each loss by seed; the largest mean AUC first.

    Of a network with random weights, or of the packaged one, `sface`.
    """
    groups: dict[str, list[dict]] = {}
    for row in sorted(results(), key=lambda row: row["seed"]):
        if row["loss"].startswith("sface") == packaged:
            groups.setdefault(row["loss"], []).append(row)
    return dict(
        sorted(
            groups.items(),
            key=lambda item: -np.mean([row["auc"] for row in item[1]]),
        )
    )


def fine_tuned() -> str:
    """Rows of the packaged network, before and after fine-tuning."""
    return measured(packaged=True)


def measured(packaged: bool = False) -> str:
    """A row for each loss: mean and standard deviation of its seeds."""
    return table(
        COLUMNS,
        [
            [
                loss,
                *(
                    spread([row[key] for row in rows], 2 if packaged else 1)
                    for key in FIGURES
                ),
                f"{np.mean([row['seconds'] for row in rows]) / 60:.1f}",
                str(len(rows)),
            ]
            for loss, rows in by_loss(packaged).items()
        ],
    )


def spread(values: Sequence[float], digits: int) -> str:
    """Mean and standard deviation of seeds, in percent."""
    mean = f"{np.mean(values):.{digits}%}"
    if not values[1:]:
        return mean
    return f"{mean} ± {np.std(values, ddof=1):.{digits}%}"
