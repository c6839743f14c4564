"""The picture of job 3: features on the sphere, angles of pairs."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from keras_hypersphere import plotting

INK = "#22303c"


def draw(
    path: Path,
    features: Mapping[str, np.ndarray],
    labels: np.ndarray,
    captions: Mapping[str, str],
    note: str,
) -> None:
    """Draws one column per loss: the sphere above, pair angles below.

    Args:
        path: The PNG to write.
        features: `(N, 3)` test features of each loss.
        labels: `(N,)` labels of the test digits.
        captions: What to write under the name of each loss.
        note: What to write under the title.
    """
    count = len(features)
    figure = Figure(figsize=(4.1 * count, 6.6), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        2,
        count,
        height_ratios=(3, 1),
        left=0.02,
        right=0.98,
        bottom=0.085,
        top=0.81,
        hspace=0.04,
        wspace=0.08,
    )
    first = next(iter(features.values()))
    below = None
    for column, (name, x) in enumerate(features.items()):
        globe = figure.add_subplot(grid[0, column], projection="3d")
        plotting.sphere(
            turned(x, first, labels), labels, legend=False, axes=globe
        )
        globe.set_title(f"{name}\n{captions[name]}", color=INK, y=1.04)
        # One scale for all, so that a tighter class is a taller hill.
        below = figure.add_subplot(grid[1, column], sharey=below)
        plotting.angle_histogram(x, labels, legend=column == 0, axes=below)
    figure.suptitle(
        "Features of test digits on the sphere: as m grows, classes draw "
        "together",
        color=INK,
        fontsize=16,
    )
    figure.text(0.5, 0.925, note, color=INK, ha="center", va="top")
    figure.savefig(path, dpi=110, format="png")


def turned(x: np.ndarray, target: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Rotates (or mirrors) x until its class directions meet the target's.

    Angles do not change; columns become comparable.
    """
    u, _, v = np.linalg.svd(centers(x, labels).T @ centers(target, labels))
    return x @ (u @ v)


def centers(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(classes, 3) means of unit features."""
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    return np.stack([units[labels == c].mean(0) for c in np.unique(labels)])
