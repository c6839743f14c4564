"""RUN/index.html: what a training was like, in one file."""

import html
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.tools.reports import layout
from keras_hypersphere.tools.training.curves import drawings
from keras_hypersphere.tools.training.log import EPOCH, Row, read_log
from keras_hypersphere.zoo.cards.card import Card

PAGE = "index.html"
MARK = '<meta name="generator" content="keras-hypersphere train">'
# Of a long log the first and the last rows are shown.
SHOWN = 20
WHOLE = (EPOCH,)
# Fields that say nothing of a network that was trained here.
LEFT_OUT = layout.LEFT_OUT | {
    "rates",
    "source_bytes",
    "source_identified",
    "weights_dtype",
    "storage_effect",
}


def write_page(run: "str | os.PathLike") -> Path:
    """Writes the page of a run, from the files that it has by now.

    `log.csv`, `recipe.json`, `classes.json`, `command.txt` and the cards of
    the presets; what is not there is left out. One file without links to
    others, so that it can be sent; it names no person and shows no photo.

    Args:
        run: The folder.

    Returns:
        The path of the page.
    """
    run = Path(run)
    rows = read_log(run)
    recipe, classes = (
        of_json(run / "recipe.json"),
        of_json(run / "classes.json"),
    )
    card = card_of(run / "best")
    name = str(recipe.get("name") or (card.name if card else run.name))
    page = layout.page(
        f"{name}: training",
        f"Training: {name}",
        about(rows, recipe, classes),
        body(run, rows, recipe, classes, card),
        MARK,
    )
    path = run / PAGE
    with atomic_write(path) as file:
        file.write(page.encode())
    return path


def about(
    rows: Sequence[Row], recipe: Mapping[str, Any], classes: Mapping[str, Any]
) -> str:
    """The line below the heading."""
    done = int(rows[-1][EPOCH]) if rows else 0
    asked = recipe.get("epochs")
    words = [f"{done} of {asked} epochs" if asked else f"{done} epochs"]
    if classes.get("classes"):
        words.append(f"{len(classes['classes']):,} people")
    if classes.get("held_out"):
        words.append(f"{len(classes['held_out']):,} people held out")
    return ", ".join(words)


def body(
    run: Path,
    rows: Sequence[Row],
    recipe: Mapping[str, Any],
    classes: Mapping[str, Any],
    card: Card | None,
) -> str:
    """What stands below the heading."""
    parts = [
        layout.numbers(figures(rows, classes, card)),
        layout.note(warning(rows)),
    ]
    curves = drawings(rows)
    if curves:
        parts.append(f"<h2>Curves</h2>{layout.drawings(curves)}")
    if rows:
        parts.append(f"<h2>Log</h2>{table(rows)}")
    if card is not None:
        fields = {
            field: value
            for field, value in card.as_dict().items()
            if field not in LEFT_OUT
        }
        parts.append(f"<h2>Best model</h2>{layout.listed(fields)}")
    if recipe:
        parts.append(f"<h2>Recipe</h2>{layout.listed(recipe)}")
    command = run / "command.txt"
    if command.is_file():
        words = html.escape(command.read_text(encoding="utf-8").strip())
        parts.append(f"<h2>To go on</h2><pre>{words}</pre>")
    if (run / "best").is_dir():
        use = f"keras-hypersphere verify A.jpg B.jpg --model {run.name}/best"
        parts.append(f"<h2>To use the model</h2><pre>{html.escape(use)}</pre>")
    return "".join(parts)


def figures(
    rows: Sequence[Row], classes: Mapping[str, Any], card: Card | None
) -> list[tuple[str, str]]:
    """The figures that matter: those of the best epoch."""
    best = best_row(rows)
    found = []
    if best is not None:
        found = [(f"{best[EPOCH]:.0f}", "best epoch")]
        found.append((f"{best['val_auc']:.4f}", "AUC of held-out pairs"))
        if "val_accuracy" in best:
            accuracy = f"{best['val_accuracy']:.2%}"
            found.append((accuracy, "accuracy at the card's threshold"))
        for name, value in best.items():
            if name.startswith("val_tar_at_far_"):
                far = float(name.removeprefix("val_tar_at_far_"))
                found.append((f"{value:.2%}", f"TAR at FAR {far:.4g}"))
    elif rows:
        found = [(f"{rows[-1][EPOCH]:.0f}", "last epoch")]
    if card is not None and card.threshold:
        found.append((f"{card.threshold:.4f}", f"threshold, {card.distance}"))
    if classes.get("classes"):
        found.append((f"{len(classes['classes']):,}", "people trained on"))
    if rows and "photos_per_second" in rows[-1]:
        speed = rows[-1]["photos_per_second"]
        found.append((f"{speed:,.0f}", "photos a second"))
    return found


def best_row(rows: Sequence[Row]) -> Row | None:
    """The row of the best epoch, the first of equal ones."""
    measured = [r for r in rows if not math.isnan(r.get("val_auc", math.nan))]
    return max(measured, key=lambda row: row["val_auc"], default=None)


def warning(rows: Sequence[Row]) -> str:
    """What a reader must know of the figures."""
    if not rows:
        return "No epoch is done yet."
    if best_row(rows) is None:
        return (
            "There was no validation: the best model is the last, and its "
            "threshold is not known."
        )
    return (
        "The best epoch and the threshold were chosen on these pairs, so the "
        "figures are a little high."
    )


def table(rows: Sequence[Row]) -> str:
    """The log; of a long one its ends."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    shown, note = list(rows), ""
    if len(rows) > SHOWN:
        shown = [*rows[: SHOWN // 2], *rows[-SHOWN // 2 :]]
        note = layout.note(
            f"The first and the last {SHOWN // 2} of {len(rows)} epochs; all "
            "are in log.csv."
        )
    lines = [
        [
            (f"{row[name]:.0f}" if name in WHOLE else f"{row[name]:.4g}")
            if name in row
            else ""
            for name in names
        ]
        for row in shown
    ]
    heads = [name.replace("_", " ") for name in names]
    return (
        f"{note}<div class=scroll tabindex=0>{layout.table(heads, lines)}</div>"
    )


def of_json(path: Path) -> dict[str, Any]:
    """An object of a file, empty without one."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def card_of(folder: Path) -> Card | None:
    """The card of a preset, None without one."""
    path = folder / "card.json"
    return Card.load(path) if path.is_file() else None
