"""The picture of job 1: detections, aligned crops, distance matrix."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from keras_hypersphere.zoo.faces.aligned_face import AlignedFace

BOX, POINTS, INK, FAINT = "#ffd166", "#06d6a0", "#22303c", "#6b7a87"


def draw(
    path: Path,
    photos: Sequence[np.ndarray],
    faces: Sequence[AlignedFace],
    matrix: np.ndarray,
    people: Sequence[str],
    labels: Sequence[str],
    threshold: float,
) -> None:
    """Draws the photos of two people, changed in the same ways.

    Args:
        path: The PNG to write.
        photos: The photos, person by person.
        faces: The face of each, with its crop.
        matrix: (photos, photos) distances.
        people: The person of each photo.
        labels: What was done to each photo.
        threshold: Below it, two photos are decided to show one person.
    """
    groups = list(dict.fromkeys(people))
    columns = len(photos) // len(groups)
    figure = Figure(figsize=(19, 8.2), facecolor="white")
    FigureCanvasAgg(figure)
    left, right = figure.subfigures(1, 2, width_ratios=[1.17, 1.0])
    left.suptitle(
        "detected faces, and their aligned crops",
        color=INK,
        fontsize=14,
        y=0.97,
    )
    axes = left.subplots(
        2 * len(groups),
        columns,
        gridspec_kw={
            "hspace": 0.04,
            "wspace": 0.04,
            "left": 0.05,
            "right": 0.99,
            "top": 0.88,
            "bottom": 0.03,
        },
    )
    for i, (photo, face) in enumerate(zip(photos, faces, strict=True)):
        row, column = 2 * (i // columns), i % columns
        show_photo(axes[row, column], photo, face)
        axes[row + 1, column].imshow(face.crop)
        if row == 0:
            axes[0, column].set_title(labels[i], color=INK, fontsize=11)
        if column == 0:
            axes[row, 0].set_ylabel(people[i], color=INK, fontsize=12)
            axes[row + 1, 0].set_ylabel("aligned", color=FAINT, fontsize=10)
    for axis in axes.flat:
        bare(axis)
    show_matrix(right, matrix, people, labels, threshold)
    figure.savefig(path, dpi=110)


def show_photo(axis: Any, photo: np.ndarray, face: AlignedFace) -> None:
    """The middle of a photo with the box and the landmarks."""
    height, width = photo.shape[:2]
    # One scale for all: half-size photos are shown as large as the others.
    unit = max(height, width) / 512
    axis.imshow(photo)
    x, y, w, h = face.face.box
    axis.add_patch(
        Rectangle((x, y), w, h, fill=False, edgecolor=BOX, linewidth=1.8)
    )
    axis.scatter(*face.face.landmarks.T, s=9, color=POINTS, linewidths=0)
    # A square around the face, inside the photo.
    side = min(height, width, 300 * unit)
    left = np.clip(x + w / 2 - side / 2, 0, width - side)
    top = np.clip(y + h / 2 - side / 2, 0, height - side)
    axis.set_xlim(left - 0.5, left + side - 0.5)
    axis.set_ylim(top + side - 0.5, top - 0.5)


def show_matrix(
    figure: Any,
    matrix: np.ndarray,
    people: Sequence[str],
    labels: Sequence[str],
    threshold: float,
) -> None:
    """The distances: blue where the decision is "same", red elsewhere."""
    axis = figure.add_axes([0.195, 0.03, 0.745, 0.78])
    norm = TwoSlopeNorm(threshold, vmin=0.0, vmax=1.5 * threshold)
    axis.imshow(matrix, cmap="RdBu_r", norm=norm)
    for i, row in enumerate(matrix):
        for j, value in enumerate(row):
            strong = value < 0.5 * threshold or value > 1.35 * threshold
            axis.text(
                j,
                i,
                f"{value:.2f}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if strong else INK,
            )
    count = len(labels)
    axis.set_xticks(range(count), labels, rotation=45, ha="left")
    axis.xaxis.tick_top()
    axis.set_yticks(range(count), labels)
    axis.tick_params(length=0, labelsize=10, colors=INK)
    for edge in range(count):
        if edge and people[edge] != people[edge - 1]:
            axis.axhline(edge - 0.5, color="white", linewidth=5)
            axis.axvline(edge - 0.5, color="white", linewidth=5)
    for person in dict.fromkeys(people):
        places = [i for i, other in enumerate(people) if other == person]
        axis.text(
            -0.22,
            1 - (np.mean(places) + 0.5) / count,
            person,
            transform=axis.transAxes,
            rotation=90,
            va="center",
            ha="center",
            fontsize=12,
            color=INK,
        )
    for spine in axis.spines.values():
        spine.set_visible(False)
    figure.suptitle(
        f"distance of the embeddings: below {threshold:g} (blue) the same "
        "person",
        color=INK,
        fontsize=14,
        y=0.97,
    )


def bare(axis: Any) -> None:
    """A picture without ticks, on no frame."""
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
