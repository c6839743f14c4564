"""The pairs that a model got most wrong, as pictures."""

from pathlib import Path

import cv2
import numpy as np

from keras_hypersphere.evaluation import Report
from keras_hypersphere.zoo import images

# Side of a photo in a picture, and the gap between two, in pixels.
SIDE, GAP = 160, 6
# A square of this gray takes the place of a photo that cannot be read.
UNREADABLE = 170


def hardest_pairs(
    report: Report, same: np.ndarray, alike: bool, count: int
) -> list[int]:
    """Returns the worst-scored pairs of one kind, the worst first.

    Worst is farthest on the wrong side of the fold's own threshold. Pairs
    without a score have no picture worth showing and are left out.
    """
    larger = report.distance in ("cosine", "decision")
    margin = report.scores - report.thresholds[report.fold_of_pair]
    # Positive: on the side of the right answer.
    margin = margin if larger == alike else -margin
    candidates = np.flatnonzero((same == alike) & np.isfinite(report.scores))
    order = np.argsort(margin[candidates], kind="stable")
    return candidates[order][:count].tolist()


def picture(first: Path | bytes, second: Path | bytes) -> np.ndarray:
    """Returns two photos side by side, RGB."""
    canvas = np.full((SIDE, 2 * SIDE + GAP, 3), 255, np.uint8)
    for place, file in enumerate((first, second)):
        photo = readable(file)
        scale = SIDE / max(photo.shape[:2])
        size = [max(1, round(scale * side)) for side in photo.shape[1::-1]]
        photo = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        height, width = photo.shape[:2]
        top = (SIDE - height) // 2
        left = place * (SIDE + GAP) + (SIDE - width) // 2
        canvas[top : top + height, left : left + width] = photo
    return canvas


def readable(file: Path | bytes) -> np.ndarray:
    """Reads a photo as it was read to be measured, or a gray square."""
    try:
        return images.read(file, partial=True)
    except (ValueError, OSError):
        return np.full((SIDE, SIDE, 3), UNREADABLE, np.uint8)
