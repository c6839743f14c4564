"""LFW, and other lists of pairs of photos."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.evaluation import (
    PairList,
    Report,
    lfw,
    read_lfw_pairs,
    read_pairs,
)
from keras_hypersphere.evaluation.folds import fold_of_pair, require_trainable
from keras_hypersphere.tools.evaluation.crop_pairs import (
    is_bin,
    read_crop_pairs,
)
from keras_hypersphere.tools.evaluation.measured import Measured
from keras_hypersphere.tools.evaluation.source import Source

if TYPE_CHECKING:
    from keras_hypersphere.zoo import Card

FOLDS = 10


def measure(arguments: argparse.Namespace, command: str) -> Measured:
    """Embeds the photos of a list and scores its pairs.

    Args:
        arguments: Those of `evaluate lfw` or `evaluate pairs`.
        command: What was typed.

    Returns:
        What was found.
    """
    # Whatever can be wrong with the input is said before minutes of work.
    own = arguments.set == "lfw"
    crops = None
    if is_bin(arguments.pairs):
        pairs, crops = read_crop_pairs(arguments.pairs)
    else:
        pairs = (read_lfw_pairs if own else read_pairs)(arguments.pairs)
    if arguments.images:
        pairs.require_photos(arguments.images)
    folds = arguments.folds or pairs.folds or FOLDS
    require_trainable(*fold_of_pair(folds, len(pairs)), pairs.same)
    source = Source(arguments, rule="center" if own else "largest", crops=crops)

    photos = pairs.photos()
    start = time.perf_counter()
    faces = source.embed(photos)
    seconds = time.perf_counter() - start
    left, right = pairs.indices()
    # The published procedures bring their own distance.
    standard = arguments.protocol == "standard"
    failed = faces.failed[left] | faces.failed[right]
    report = lfw(
        faces.embeddings[left],
        faces.embeddings[right],
        pairs.same,
        folds=folds,
        protocol=arguments.protocol,
        distance=source.distance(None if standard else "cosine"),
        failed=failed,
    )
    found = {
        **heading(arguments, source, pairs),
        "photos": len(photos),
        "photos_without_embedding": faces.failures,
        "pairs_lost": int(failed.sum()),
        **figures(report),
        **at_card_threshold(report, pairs.same, source.card),
        "seconds": round(seconds, 2),
        "command": command,
    }

    def draw() -> str:
        from keras_hypersphere.tools.reports import pairs_page

        files: dict[str, Path | bytes] = (
            dict(crops)
            if crops
            else {photo: Path(arguments.images) / photo for photo in photos}
        )
        card = source.embedder.card
        return pairs_page.draw(report, pairs, files, card, found)

    return Measured(found, draw)


def at_card_threshold(
    report: Report, same: np.ndarray, card: "Card | None"
) -> dict:
    """What `verify` would have got right, with the threshold that it has.

    Nothing if there is none, or if it is of another distance. The published
    procedures center features before they compare: no threshold of a card
    is for that.
    """
    comparable = (
        card is not None
        and card.threshold
        and report.protocol == "standard"
        and report.distance == card.distance
    )
    if card is None or not comparable:
        return {}
    # A card's "cosine" is the distance 1 - cosine. A pair that failed has the
    # score of a wrong answer.
    cosine = card.distance == "cosine"
    away = 1.0 - report.scores if cosine else report.scores
    right = (away < card.threshold) == same
    return {
        "card_threshold": card.threshold,
        "accuracy_at_card_threshold": float(right.mean()),
    }


def heading(
    arguments: argparse.Namespace, source: Source, pairs: PairList
) -> dict:
    """What is measured."""
    return {
        "set": arguments.set,
        "model": source.model,
        "faces": source.faces,
        "list": str(arguments.pairs),
        "pairs": len(pairs),
        "different_pairs": int((~pairs.same).sum()),
    }


def figures(report: Report) -> dict:
    """The numbers of a protocol with folds."""
    return {
        "protocol": report.protocol,
        "distance": report.distance,
        "accuracy": report.accuracy,
        "std": report.std,
        "standard_error": report.standard_error,
        "auc": report.auc,
        "eer": report.eer,
        "tar_at_far_0.001": report.tar,
        "folds": report.folds.tolist(),
        "thresholds": report.thresholds.tolist(),
    }
