"""The packaged portraits, cropped by each template."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from docs.pictures import style
from keras_hypersphere import zoo
from keras_hypersphere.zoo import alignment

PORTRAITS = {
    "eileen_collins.png": "Eileen Collins",
    "grace_hopper.jpg": "Grace Hopper",
}
# In pixels of the crops, all of which are drawn at one scale.
GAP, LABELS, FOOT = 16, 48, 2
# The part of the photo that is shown is as wide as the widest crop.
AROUND = 2.6


def crops() -> Figure:
    """A row for each portrait, a column for each template."""
    templates = alignment.TEMPLATES.values()
    heights, widths = zip(*(t.size for t in templates), strict=True)
    side = max(heights)
    width = side + sum(widths) + GAP * len(widths)
    height = len(PORTRAITS) * (side + GAP) - GAP + LABELS + FOOT
    inches = 7.0 / width
    figure = Figure(figsize=(7.0, height * inches))

    def panel(left: float, top: float, wide: float, high: float) -> Axes:
        axes = figure.add_axes(
            (
                left / width,
                1.0 - (top + high) / height,
                wide / width,
                high / height,
            )
        )
        axes.set_axis_off()
        return axes

    top = float(LABELS)
    for file in PORTRAITS:
        photo = zoo.images.read(Path(zoo.__file__).parent / "samples" / file)
        face = alignment.select_face(alignment.detect(photo), photo.shape)
        show_face(panel(0, top, side, side), photo, face)
        left = float(side + GAP)
        for template in templates:
            crop = alignment.align(photo, face, template, antialias=True)
            high, wide = template.size
            panel(left, top + (side - high) / 2, wide, high).imshow(
                crop, interpolation="bicubic", aspect="auto"
            )
            left += wide + GAP
        top += side + GAP
    label(figure, (side / 2) / width, height, "photo", "box and landmarks")
    left = float(side + GAP)
    for template in templates:
        high, wide = template.size
        middle = (left + wide / 2) / width
        label(figure, middle, height, template.name, f"{high} × {wide}")
        left += wide + GAP
    return figure


def show_face(axes: Axes, photo: np.ndarray, face: alignment.Face) -> None:
    """The photo around a face, its box and its five landmarks."""
    axes.imshow(photo, interpolation="antialiased", aspect="auto")
    x, y = face.center
    half = AROUND * max(face.box[2:]) / 2
    # The part that is shown stays within the photo.
    half = min(half, photo.shape[0] / 2, photo.shape[1] / 2)
    x = np.clip(x, half - 0.5, photo.shape[1] - half - 0.5)
    y = np.clip(y, half - 0.5, photo.shape[0] - half - 0.5)
    axes.set_xlim(x - half, x + half)
    axes.set_ylim(y + half, y - half)
    left, top, wide, high = face.box
    axes.add_patch(
        Rectangle(
            (left, top),
            wide,
            high,
            fill=False,
            edgecolor=style.ORANGE,
            linewidth=1.2,
        )
    )
    axes.scatter(*face.landmarks.T, s=5, color=style.SKY, linewidths=0)


def label(
    figure: Figure, x: float, height: float, name: str, size: str
) -> None:
    """A template's name and its size over its column."""
    for text, top, color in ((name, 6, style.INK), (size, 27, "#666666")):
        figure.text(
            x,
            1.0 - top / height,
            text,
            ha="center",
            va="top",
            color=color,
            fontsize=8.0 if top == 6 else 7.0,
        )
