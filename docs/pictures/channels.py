"""Layers that work on channels: maxima, scales, sums."""

import keras
import numpy as np
from matplotlib.figure import Figure

import keras_hypersphere as kh
from docs.pictures import style


def max_feature_map() -> Figure:
    """Two halves of two channels each, and what is left of them."""
    figure, axes = style.panels(sharey=True)
    t = np.linspace(0.0, 1.0, 201)
    halves = np.stack(
        [
            np.sin(2 * np.pi * t),
            0.8 * np.cos(3 * np.pi * t),
            np.cos(2 * np.pi * t + 0.6),
            0.5 * np.sin(5 * np.pi * t) - 0.1,
        ],
        axis=-1,
    )
    y = keras.ops.convert_to_numpy(kh.layers.MaxFeatureMap()(halves))
    for c, panel in enumerate(axes):
        panel.plot(
            t,
            y[:, c],
            color=style.ORANGE,
            linewidth=6,
            alpha=0.55,
            label=f"y{c}",
        )
        panel.plot(
            t, halves[:, c], color=style.BLUE, label=f"x{c}", linewidth=1.3
        )
        panel.plot(
            t,
            halves[:, c + 2],
            color=style.RED,
            label=f"x{c + 2}",
            linewidth=1.3,
        )
        panel.set_title(f"y{c} = max(x{c}, x{c + 2})")
        panel.set_xlabel("position (share of the width)")
        panel.legend(loc="lower left", ncols=3, columnspacing=1.0)
        panel.set_ylim(-1.5, 1.15)
    axes[0].set_ylabel("activation")
    return figure


def maxout() -> Figure:
    """More pieces bend more: tangents of a parabola."""
    figure, axes = style.panels(3, height=2.6, sharey=True)
    x = np.linspace(-1.2, 1.2, 121, dtype="float32")[:, None]
    for panel, pieces in zip(axes, (2, 3, 5), strict=True):
        at = np.linspace(-1.0, 1.0, pieces)
        slopes, offsets = 2 * at[None], -(at**2)
        layer = kh.layers.Maxout(1, pieces=pieces)
        layer.build(x.shape)
        layer.set_weights([slopes, offsets])
        lines = keras.layers.Dense(pieces)
        lines.build(x.shape)
        lines.set_weights([slopes, offsets])
        panel.plot(
            x,
            keras.ops.convert_to_numpy(lines(x)),
            color=style.SKY,
            linewidth=1,
        )
        panel.plot(x, keras.ops.convert_to_numpy(layer(x)), color=style.RED)
        panel.set_ylim(-1.0, 1.5)
        panel.set_title(f"pieces={pieces}")
        panel.set_xlabel("x")
    axes[0].set_ylabel("y (red), pieces (blue)")
    return figure


def channel_affine() -> Figure:
    """A straight line for each channel."""
    figure, axes = style.panels()
    x = np.linspace(-2.0, 2.0, 41, dtype="float32")
    gamma, beta = np.array([0.5, 1.0, 2.0]), np.array([1.0, 0.0, -0.5])
    layer = kh.layers.ChannelAffine()
    layer.build((None, 3))
    layer.set_weights([gamma, beta])
    y = keras.ops.convert_to_numpy(layer(np.stack([x] * 3, axis=-1)))
    for c in range(3):
        axes[0].plot(
            x,
            y[:, c],
            color=style.COLORS[c],
            label=f"channel {c}: γ = {gamma[c]:g}, β = {beta[c]:g}",
        )
    axes[0].set_xlabel("input")
    axes[0].set_ylabel("output")
    axes[0].set_ylim(-5, 7.5)
    axes[0].legend(loc="upper left")
    # Batch normalization with fixed statistics, folded into two numbers.
    norm = keras.layers.BatchNormalization(epsilon=1e-5)
    norm.build((None, 1))
    norm.set_weights(
        [np.ones(1) * 1.5, np.ones(1) * 0.2, np.ones(1), np.ones(1) * 4]
    )
    root = np.sqrt(4 + 1e-5)
    folded = kh.layers.ChannelAffine()
    folded.build((None, 1))
    folded.set_weights([np.array([1.5 / root]), np.array([0.2 - 1.5 / root])])
    axes[1].plot(
        x,
        keras.ops.convert_to_numpy(norm(x[:, None], training=False)),
        color=style.ORANGE,
        linewidth=6,
        alpha=0.55,
        label="BatchNormalization, inference",
    )
    axes[1].plot(
        x,
        keras.ops.convert_to_numpy(folded(x[:, None])),
        color=style.INK,
        linewidth=1.3,
        label="ChannelAffine, folded",
    )
    axes[1].set_xlabel("input")
    axes[1].legend(loc="upper left")
    axes[1].set_ylim(-2.2, 2.2)
    return figure


def zero_extended_add() -> Figure:
    """A wide and a tall map, and their sum."""
    figure, axes = style.panels(3, height=2.2, width_ratios=(3, 4, 4))
    a = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1], [3, 3, 3]], "float32")
    b = np.array([[5, 5, 5, 5], [5, 5, 5, 5]], "float32")
    layer = kh.layers.ZeroExtendedAdd()
    y = layer([a[None, ..., None], b[None, ..., None]])
    y = keras.ops.convert_to_numpy(y)[0, ..., 0]
    for panel, values, title in (
        (axes[0], a, "a: 4 × 3"),
        (axes[1], b, "b: 2 × 4"),
        (axes[2], y, "y: 4 × 4"),
    ):
        style.cells(panel, values, title, numbers=True, vmax=10.0)
        # Equal cells: every panel is as tall as the sum.
        panel.set_ylim(3.5, -0.5)
        panel.spines[:].set_visible(False)
    return figure
