"""Normalization, cosines and their scale."""

import keras
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import keras_hypersphere as kh
from docs.pictures import style

CLASSES = 100


def normalize_layer() -> Figure:
    """Where both norms take vectors of the plane."""
    figure, axes = style.panels(height=3.2)
    x = np.random.default_rng(3).uniform(-1.9, 1.9, (30, 2)).astype("float32")
    x = x[(x[:, 0] > -1.2) | (x[:, 1] < 0.9)]
    for panel, norm in zip(axes, ("l2", "l1"), strict=True):
        layer = kh.layers.NormalizeLayer(norm=norm)
        y = keras.ops.convert_to_numpy(layer(x))
        panel.set_aspect("equal")
        panel.set_xlim(-2, 2)
        panel.set_ylim(-2, 2)
        rim = layer(style.on_circle(np.linspace(0.0, 360.0, 721)))
        panel.plot(
            *keras.ops.convert_to_numpy(rim).T, color=style.BLUE, linewidth=1
        )
        for start, end in zip(x, y, strict=True):
            panel.plot(*np.stack([start, end]).T, color=style.FAINT, zorder=0)
        panel.scatter(*x.T, s=14, color=style.INK, label="x")
        panel.scatter(*y.T, s=18, color=style.RED, label="y")
        panel.set_title(f'norm="{norm}"')
        panel.set_xlabel("feature 1")
        panel.set_ylabel("feature 2")
        panel.legend(
            loc="upper left", frameon=True, edgecolor="white", framealpha=1
        )
    return figure


def simplex_losses(logits_at: "callable", scales: np.ndarray) -> list[float]:
    """Softmax loss where every feature lies on its class's direction."""
    # Columns of a centered identity are as far apart as directions can be.
    directions = np.eye(CLASSES) - 1.0 / CLASSES
    loss = kh.losses.SoftmaxCrossEntropy()
    labels = np.arange(CLASSES)
    return [float(loss(labels, logits_at(directions, s))) for s in scales]


def bound(axes: Axes, scales: np.ndarray) -> None:
    """The proven bound as a line, and where training begins."""
    lowest = [kh.theory.softmax_lower_bound(CLASSES, float(s)) for s in scales]
    axes.plot(scales, lowest, color=style.INK, label="lower bound")
    axes.axhline(np.log(CLASSES), color=style.FAINT, zorder=0)
    axes.text(scales[-1], np.log(CLASSES), "log 100", ha="right", va="bottom")
    axes.set_xlabel("scale s")
    axes.set_ylabel("softmax loss (nats)")
    axes.set_ylim(0, 5.2)


def cosine_dense() -> Figure:
    """Probability by angle at several scales; the bound and what reaches it."""
    figure, (left, right) = style.panels()
    degrees = np.linspace(0.0, 180.0, 181)
    # Away from class 0 towards a direction at right angles to every class.
    x = np.zeros((len(degrees), CLASSES + 1), "float32")
    x[:, [0, CLASSES]] = style.on_circle(degrees)
    kernel = np.eye(CLASSES + 1)[:, :CLASSES]
    for scale, color in zip((1.0, 4.0, 10.0, 30.0), style.COLORS, strict=False):
        layer = kh.layers.CosineDense(CLASSES, scale=scale)
        layer.build(x.shape)
        layer.set_weights([kernel])
        p = keras.ops.convert_to_numpy(keras.ops.softmax(layer(x)))[:, 0]
        left.plot(degrees, p, color=color, label=f"s = {scale:g}")
    left.set_ylabel("probability of the own class")
    style.angle_axis(left)
    left.set_title(f"{CLASSES} classes")
    left.legend(loc="upper right")

    def logits_at(directions: np.ndarray, scale: float) -> object:
        layer = kh.layers.CosineDense(CLASSES, scale=float(scale))
        layer.build(directions.shape)
        layer.set_weights([directions])
        return layer(directions)

    bound(right, np.linspace(0.1, 20.0, 100))
    dots = np.array([1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0])
    right.scatter(
        dots,
        simplex_losses(logits_at, dots),
        color=style.RED,
        s=22,
        zorder=3,
        label="CosineDense, perfect features",
    )
    right.legend(loc="upper right", bbox_to_anchor=(1.0, 0.9))
    right.set_title("the least loss")
    return figure


def scalar_scale() -> Figure:
    """Ranges clip the number; the number decides how small a loss can get."""
    figure, (left, right) = style.panels()
    stored = np.linspace(-2.0, 8.0, 101)
    for limits, color, line in (
        ((None, None), style.BLUE, "-"),
        ((0.01, None), style.RED, "--"),
        ((2.0, 5.0), style.GREEN, "-"),
    ):
        layer = kh.layers.ScalarScale(2.0, range=limits)
        layer.build((None, 1))
        used = []
        for number in stored:
            layer.set_weights([np.float32(number)])
            used.append(float(layer(np.ones((1, 1)))[0, 0]))
        left.plot(
            stored, used, color=color, linestyle=line, label=f"range={limits}"
        )
    left.set_xlabel("stored scale s")
    left.set_ylabel("y for x = 1")
    left.legend(loc="upper left")

    def logits_at(directions: np.ndarray, scale: float) -> object:
        cosines = kh.layers.CosineDense(CLASSES)
        cosines.build(directions.shape)
        cosines.set_weights([directions])
        return kh.layers.ScalarScale(float(scale))(cosines(directions))

    bound(right, np.linspace(0.1, 20.0, 100))
    dots = np.array([1.0, 4.0, 10.0, 20.0])
    right.scatter(
        dots,
        simplex_losses(logits_at, dots),
        color=style.RED,
        s=22,
        zorder=3,
        label="ScalarScale on cosines",
    )
    right.legend(loc="upper right", bbox_to_anchor=(1.0, 0.9))
    right.set_title(f"perfect features, {CLASSES} classes")
    return figure
