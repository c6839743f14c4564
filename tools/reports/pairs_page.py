"""The page about pairs of photos or videos that were told apart."""

import html
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from keras_hypersphere.evaluation import PairList, Report
from keras_hypersphere.evaluation.report import FAR
from keras_hypersphere.tools.evaluation.text import too_few
from keras_hypersphere.tools.reports import figures, layout
from keras_hypersphere.tools.reports.folder import write_picture
from keras_hypersphere.tools.reports.hardest import hardest_pairs, picture
from keras_hypersphere.zoo import Card

# Pairs of each kind that are shown.
SHOWN = 12
KINDS = (
    (True, "same", "Same person, least alike"),
    (False, "different", "Different persons, most alike"),
)


def draw(
    folder: Path,
    report: Report,
    pairs: PairList,
    photos: Mapping[str, Path],
    card: Card,
    found: dict,
) -> str:
    """Writes the pictures of the page; returns the page.

    Args:
        folder: Where the pictures are written.
        report: What the protocol found.
        pairs: The list that was measured.
        photos: The file that shows each name of the list: the photo, or a
            frame of the video. A video without a face has none.
        card: The model's.
        found: The subcommand's figures, see `tools/evaluation/photo_pairs.py`.
    """
    figures.roc(report, pairs.same).savefig(folder / "roc.png")
    figures.histograms(report, pairs.same).savefig(folder / "scores.png")
    videos = "videos" in found
    body = [
        layout.numbers(
            [
                (f"{report.accuracy:.2%}", f"accuracy, ± {report.std:.2%}"),
                (f"{np.mean(report.thresholds):.4f}", "mean threshold"),
                (f"{report.auc:.5f}", "AUC"),
                (f"{report.eer:.2%}", "equal error rate"),
                (f"{report.tar:.2%}", f"TAR at FAR {FAR:.1%}"),
            ]
        ),
        layout.note(too_few(found["different_pairs"], FAR)),
        layout.drawings(
            {"roc.png": "ROC curve", "scores.png": "histograms of scores"}
        ),
        "<h2>Folds</h2>",
        layout.table(
            ("fold", "accuracy", "threshold"),
            (
                (str(number), f"{accuracy:.2%}", f"{threshold:.4f}")
                for number, (accuracy, threshold) in enumerate(
                    zip(report.folds, report.thresholds, strict=True), 1
                )
            ),
        ),
        "<h2>Hardest pairs</h2>",
        layout.note(
            "Each video is shown by the middle one of its frames with a face."
            if videos
            else ""
        ),
        *(hardest(folder, report, pairs, photos, *kind) for kind in KINDS),
        layout.lost(
            f"{'Videos' if videos else 'Photos'} without an embedding",
            "video" if videos else "photo",
            found["photos_without_embedding"],
            f"Pairs counted as errors for it: {found['pairs_lost']}.",
        ),
    ]
    things = f"{found['photos']} photos"
    if videos:
        things = f"{found['videos']} videos with {found['photos']} frames"
    return layout.document(
        card,
        f"{report.accuracy:.2%}",
        f"{found['pairs']} pairs of {things}, faces by {found['faces']}; "
        f"protocol {report.protocol}, distance {report.distance}",
        "".join(body),
        found["command"],
    )


def hardest(
    folder: Path,
    report: Report,
    pairs: PairList,
    photos: Mapping[str, Path],
    alike: bool,
    name: str,
    title: str,
) -> str:
    """The pairs of one kind that are worst, as pictures."""
    items = []
    worst = hardest_pairs(report, pairs.same, alike, SHOWN)
    for rank, index in enumerate(worst, 1):
        file = f"{name}-{rank:02d}.png"
        both = pairs.left[index], pairs.right[index]
        write_picture(folder / file, picture(*(photos[x] for x in both)))
        items.append(item(report, index, file, both))
    return f"<h3>{title}</h3><div class=pairs>{''.join(items)}</div>"


def item(report: Report, index: int, file: str, both: tuple[str, str]) -> str:
    """One pair: picture, score and threshold, names as in the list."""
    threshold = report.thresholds[report.fold_of_pair[index]]
    verdict = "" if report.correct[index] else "<span class=wrong>wrong</span> "
    first, second = map(html.escape, both)
    return (
        f'<figure><img src="{file}" alt="{first} and {second}">'
        f"<figcaption>{verdict}{report.scores[index]:.3f}, threshold "
        f"{threshold:.3f}<br>{first}<br>{second}</figcaption></figure>"
    )
