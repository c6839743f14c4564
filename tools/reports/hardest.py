"""The pairs that a model got most wrong, as pictures."""

import os
from pathlib import Path

import cv2
import numpy as np

from keras_hypersphere.evaluation import PairList, Report
from keras_hypersphere.zoo import images

# Side of a photo in a picture, and the gap between two, in pixels.
SIDE, GAP = 160, 6


def hardest_pairs(
    report: Report, same: np.ndarray, alike: bool, count: int
) -> list[int]:
    """Returns the worst-scored pairs of one kind, the worst first.

    Worst is farthest on the wrong side of the fold's own threshold. Pairs
    without a score have no picture worth showing and are left out.
    """
    larger = report.distance == "cosine"
    margin = report.scores - report.thresholds[report.fold_of_pair]
    # Positive: on the side of the right answer.
    margin = margin if larger == alike else -margin
    candidates = np.flatnonzero((same == alike) & np.isfinite(report.scores))
    order = np.argsort(margin[candidates], kind="stable")
    return candidates[order][:count].tolist()


def picture(
    folder: "str | os.PathLike", pairs: PairList, index: int
) -> np.ndarray:
    """Returns the two photos of a pair side by side, RGB."""
    canvas = np.full((SIDE, 2 * SIDE + GAP, 3), 255, np.uint8)
    for place, path in enumerate((pairs.left[index], pairs.right[index])):
        photo = images.read(Path(folder) / path)
        scale = SIDE / max(photo.shape[:2])
        size = [max(1, round(scale * side)) for side in photo.shape[1::-1]]
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        height, width = photo.shape[:2]
        top = (SIDE - height) // 2
        left = place * (SIDE + GAP) + (SIDE - width) // 2
        canvas[top : top + height, left : left + width] = photo
    return canvas
