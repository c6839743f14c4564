"""An evaluation as a folder: an HTML page and the pictures it shows."""

import html
import os
from pathlib import Path

import cv2
import numpy as np

from keras_hypersphere.evaluation import PairList, Report
from keras_hypersphere.tools.reports import figures
from keras_hypersphere.tools.reports.hardest import hardest_pairs, picture
from keras_hypersphere.zoo import Card

# Pairs of each kind that are shown.
SHOWN = 12
# Fields of a card that are long lists of numbers, or internal.
LEFT_OUT = {"golden_output", "golden_seed"}
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; margin: 2rem auto;
       max-width: 62rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { margin-top: 2.5rem; }
p.sub { color: #666; margin-top: .2rem; }
.figures { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); }
.figures img { width: 100%; }
.numbers { display: flex; flex-wrap: wrap; gap: 2rem; margin: 1.5rem 0; }
.numbers b { display: block; font-size: 1.5rem; }
.numbers span { color: #666; font-size: .9rem; }
.pairs { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
figure { margin: 0; } figure img { width: 100%; }
figcaption { font-size: .8rem; color: #444; overflow-wrap: anywhere; }
.wrong { color: #b3261e; font-weight: 600; }
table { border-collapse: collapse; }
th { white-space: nowrap; } th.n { text-align: right; }
th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; vertical-align: top;
  border-bottom: 1px solid #e5e5e5; overflow-wrap: anywhere; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { white-space: pre-wrap; background: #f5f5f5; padding: .6rem; }
"""


def write_report(
    folder: "str | os.PathLike",
    report: Report,
    pairs: PairList,
    images: "str | os.PathLike",
    card: Card,
    found: dict,
    command: str,
) -> Path:
    """Writes `index.html` and its pictures.

    Args:
        folder: Made if it does not exist. Files of an earlier report are
            replaced, others left alone.
        report: What the protocol found.
        pairs: The list that was measured.
        images: The folder its paths start from.
        card: The model's.
        found: The verb's figures, see `tools/commands/evaluate.py`.
        command: What was typed.

    Returns:
        The path of the page.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    figures.roc(report, pairs.same).savefig(folder / "roc.png")
    figures.histograms(report, pairs.same).savefig(folder / "scores.png")
    sections = []
    for alike, name, title in (
        (True, "same", "Same person, least alike"),
        (False, "different", "Different persons, most alike"),
    ):
        shown = hardest_pairs(report, pairs.same, alike, SHOWN)
        items = []
        for rank, index in enumerate(shown, 1):
            file = f"{name}-{rank:02d}.png"
            pixels = picture(images, pairs, index)
            cv2.imwrite(str(folder / file), pixels[:, :, ::-1])
            items.append(pair_item(report, pairs, index, file))
        sections.append(
            f"<h3>{title}</h3><div class=pairs>{''.join(items)}</div>"
        )
    page = folder / "index.html"
    part = folder / "index.html.part"
    part.write_text(
        whole_page(report, card, found, command, "".join(sections)),
        encoding="utf-8",
    )
    os.replace(part, page)
    return page


def pair_item(report: Report, pairs: PairList, index: int, file: str) -> str:
    """One pair: picture, names, score and threshold."""
    threshold = report.thresholds[report.fold_of_pair[index]]
    verdict = "" if report.correct[index] else "<span class=wrong>wrong</span> "
    names = [
        html.escape(Path(path).stem)
        for path in (pairs.left[index], pairs.right[index])
    ]
    return (
        f'<figure><img src="{file}" alt="{names[0]} and {names[1]}">'
        f"<figcaption>{verdict}{report.scores[index]:.3f}, threshold "
        f"{threshold:.3f}<br>{names[0]}<br>{names[1]}</figcaption></figure>"
    )


def whole_page(
    report: Report, card: Card, found: dict, command: str, hardest: str
) -> str:
    """The page's HTML."""
    numbers = "".join(
        f"<div><b>{value}</b><span>{label}</span></div>"
        for value, label in (
            (f"{report.accuracy:.2%}", f"accuracy, ± {report.std:.2%}"),
            (f"{np.mean(report.thresholds):.4f}", "mean threshold"),
            (f"{report.auc:.5f}", "AUC"),
            (f"{report.eer:.2%}", "equal error rate"),
            (f"{report.tar:.2%}", "TAR at FAR 0.1%"),
        )
    )
    rows = "".join(
        f"<tr><td class=n>{number}<td class=n>{accuracy:.2%}"
        f"<td class=n>{threshold:.4f}"
        for number, (accuracy, threshold) in enumerate(
            zip(report.folds, report.thresholds, strict=True), 1
        )
    )
    lost = found["photos_without_embedding"]
    missing = "".join(
        f"<tr><td>{html.escape(photo)}<td>{html.escape(why)}"
        for photo, why in lost.items()
    )
    errors = (
        f"<h2>Photos without an embedding</h2><p>Number: {len(lost)}. Pairs "
        f"counted as errors for it: {found['pairs_lost']}.</p>"
        f"<table><tr><th>photo<th>why{missing}</table>"
        if lost
        else ""
    )
    fields = "".join(
        f"<tr><th>{html.escape(name.replace('_', ' '))}<td>{linked(value)}"
        for name, value in card.as_dict().items()
        if name not in LEFT_OUT and value not in (None, "", [], {})
    )
    model = html.escape(card.name)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{model}: {report.accuracy:.2%}</title>"
        f"<style>{STYLE}</style><h1>{model}</h1>"
        f"<p class=sub>{found['pairs']} pairs of {found['photos']} photos, "
        f"faces by {html.escape(found['faces'])}; protocol "
        f"{report.protocol}, distance {report.distance}</p>"
        f"<div class=numbers>{numbers}</div>"
        '<div class=figures><img src="roc.png" alt="ROC curve">'
        '<img src="scores.png" alt="histograms of scores"></div>'
        "<h2>Folds</h2><table><tr><th class=n>fold<th class=n>accuracy<th class=n>threshold"
        f"{rows}</table><h2>Hardest pairs</h2>{hardest}{errors}"
        f"<h2>Model card</h2><table>{fields}</table>"
        f"<h2>Command</h2><pre>{html.escape(command)}</pre></html>\n"
    )


def linked(value: object) -> str:
    """A value of a card as HTML: an address can be followed."""
    text = html.escape(plain(value))
    if isinstance(value, str) and value.startswith("https://"):
        return f'<a href="{text}">{text}</a>'
    return text


def plain(value: object) -> str:
    """A value of a card in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {plain(x)}" for name, x in value.items())
    if isinstance(value, list):
        between = "; " if any(isinstance(x, dict) for x in value) else ", "
        return between.join(plain(x) for x in value) or "none"
    return str(value)
