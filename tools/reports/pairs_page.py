"""The page about pairs of photos or videos that were told apart."""

import html
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from keras_hypersphere.evaluation import PairList, Report
from keras_hypersphere.evaluation.report import FAR
from keras_hypersphere.tools.evaluation.outcome_text import too_few
from keras_hypersphere.tools.reports import figures, layout
from keras_hypersphere.tools.reports.hardest import hardest_pairs, picture
from keras_hypersphere.tools.reports.svg import drawing
from keras_hypersphere.zoo import Card

# Pairs of each kind that are shown.
SHOWN = 12
KINDS = (
    (True, "Same person, least alike"),
    (False, "Different persons, most alike"),
)


def draw(
    report: Report,
    pairs: PairList,
    photos: Mapping[str, Path | bytes],
    card: Card,
    found: dict,
) -> str:
    """Returns the page.

    Args:
        report: What the protocol found.
        pairs: The list that was measured.
        photos: The file that shows each name of the list: the photo, or a
            frame of the video. A video without a face has none.
        card: The model's.
        found: The subcommand's figures, see `tools/evaluation/photo_pairs.py`.
    """
    videos = "videos" in found
    body = [
        layout.numbers(
            [
                (f"{report.accuracy:.2%}", f"accuracy, ± {report.std:.2%}"),
                (f"{np.mean(report.thresholds):.4f}", "mean threshold"),
                *at_card_threshold(found),
                (f"{report.auc:.5f}", "AUC"),
                (f"{report.eer:.2%}", "equal error rate"),
                (f"{report.tar:.2%}", f"TAR at FAR {FAR:.1%}"),
            ]
        ),
        layout.note(too_few(found["different_pairs"], FAR)),
        layout.drawings(
            [
                drawing(
                    "ROC curve",
                    curve_in_words(report),
                    lambda: figures.roc(report, pairs.same),
                ),
                drawing(
                    "Histograms of scores",
                    scores_in_words(report, pairs.same),
                    lambda: figures.histograms(report, pairs.same),
                ),
            ]
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
        *(hardest(report, pairs, photos, *kind) for kind in KINDS),
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
        f"{found['pairs']} pairs of {things}, faces: {found['faces']}; "
        f"protocol {report.protocol}, distance {report.distance}",
        "".join(body),
        found["command"],
    )


def at_card_threshold(found: dict) -> list[tuple[str, str]]:
    """What `verify` would have got right; nothing if nobody knows."""
    if "card_threshold" not in found:
        return []
    label = f"accuracy at the card's threshold, {found['card_threshold']:g}"
    return [(f"{found['accuracy_at_card_threshold']:.2%}", label)]


def curve_in_words(report: Report) -> str:
    """The ROC curve, for those who do not see it."""
    return (
        f"True accept rate by false accept rate: {report.tar:.2%} at "
        f"{FAR:.1%}, {report.tar_at(1e-2):.2%} at 1.0%, "
        f"{report.tar_at(1e-1):.2%} at 10.0%; equal error rate "
        f"{report.eer:.2%}, AUC {report.auc:.5f}."
    )


def scores_in_words(report: Report, same: np.ndarray) -> str:
    """The histograms, for those who do not see them."""
    parts = []
    for kind, name in ((same, "same person"), (~same, "different persons")):
        values = report.scores[kind & np.isfinite(report.scores)]
        if len(values):
            parts.append(
                f"{len(values):,} pairs of {name} from {values.min():.3f} to "
                f"{values.max():.3f}, mean {values.mean():.3f}"
            )
    scale = figures.AXES[report.distance]
    mean = f"threshold {np.mean(report.thresholds):.3f}"
    return f"{scale.capitalize()}: {'; '.join((*parts, mean))}."


def hardest(
    report: Report,
    pairs: PairList,
    photos: Mapping[str, Path | bytes],
    alike: bool,
    title: str,
) -> str:
    """The pairs of one kind that are worst, as pictures."""
    items = []
    worst = hardest_pairs(report, pairs.same, alike, SHOWN)
    for index in worst:
        both = pairs.left[index], pairs.right[index]
        pixels = picture(*(photos[x] for x in both))
        items.append(item(report, index, pixels, both))
    return f"<h3>{title}</h3><div class=pairs>{''.join(items)}</div>"


def item(
    report: Report, index: int, pixels: np.ndarray, both: tuple[str, str]
) -> str:
    """One pair: picture, score and threshold, names as in the list."""
    threshold = report.thresholds[report.fold_of_pair[index]]
    verdict = "" if report.correct[index] else "<span class=wrong>wrong</span> "
    score = f"{report.scores[index]:.3f}, threshold {threshold:.3f}"
    first, second = map(html.escape, both)
    shown = layout.photo(pixels, f"{both[0]} and {both[1]}: {score}")
    return (
        f"<figure>{shown}<figcaption>{verdict}{score}"
        f"<br>{first}<br>{second}</figcaption></figure>"
    )
