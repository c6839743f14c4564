"""Layers that work on images: flips, pooling, local responses."""

import keras
import numpy as np
from matplotlib.figure import Figure

import keras_hypersphere as kh
from docs.pictures import style


def digit(number: int) -> np.ndarray:
    """A digit of scikit-learn's set, 8 by 8, as a batch of one in [0, 1]."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    image = digits.images[np.flatnonzero(digits.target == number)[0]]
    return (image / 16.0).astype("float32")[None, ..., None]


def shown(x: "object") -> np.ndarray:
    """A batch of one image as a matrix."""
    return keras.ops.convert_to_numpy(x)[0, ..., 0]


def flip() -> Figure:
    """A digit, flipped in all ways."""
    figure, axes = style.panels(4, height=2.3)
    image = digit(2)
    style.cells(axes[0], shown(image), "input", cmap="gray_r", vmax=1.0)
    for panel, (width, height) in zip(
        axes[1:], ((True, False), (False, True), (True, True)), strict=True
    ):
        layer = kh.layers.Flip(width=width, height=height)
        title = f"Flip({width}, {height})"
        style.cells(panel, shown(layer(image)), title, cmap="gray_r", vmax=1.0)
    return figure


def flip_concat() -> Figure:
    """Features of a digit and of its mirror image, merged in three ways."""
    figure, axes = style.panels(4, height=2.7, width_ratios=(1.2, 2, 1, 1))
    keras.utils.set_random_seed(4)
    image = digit(2)
    backbone = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(5, activation="tanh"),
        ]
    )
    mirrored = kh.layers.Flip()(image)
    both = np.concatenate([shown(image), shown(mirrored)])
    style.cells(axes[0], both, "x, flipped x", cmap="gray_r", vmax=1.0)
    axes[0].axhline(7.5, color=style.FAINT)
    for panel, merge in zip(axes[1:], ("concat", "sum", "max"), strict=True):
        y = kh.layers.FlipConcat(backbone, merge=merge)(image)
        y = keras.ops.convert_to_numpy(y)[0]
        colors = [style.GREEN] * 5
        if merge == "concat":
            colors = [style.BLUE] * 5 + [style.RED] * 5
        panel.bar(range(len(y)), y, color=colors)
        panel.set_title(f'merge="{merge}"')
        panel.set_xticks(range(0, len(y), 1 if len(y) < 6 else 3))
        panel.set_ylim(-2, 2)
        panel.set_xlabel("feature")
        if panel is not axes[1]:
            panel.tick_params(labelleft=False)
    axes[1].set_ylabel("value")
    axes[1].text(2, 1.6, "of x", color=style.BLUE, ha="center")
    axes[1].text(7, 1.6, "of flipped x", color=style.RED, ha="center")
    return figure


def l2_pooling_2d() -> Figure:
    """A digit pooled in three ways."""
    figure, axes = style.panels(4, height=2.3)
    image = digit(3)
    window = {"pool_size": 3, "strides": 1, "padding": "same"}
    for panel, title, y in (
        (axes[0], "input", image),
        (axes[1], "L2Pooling2D", kh.layers.L2Pooling2D(**window)(image)),
        (axes[2], "maximum", keras.layers.MaxPooling2D(**window)(image)),
        (axes[3], "average", keras.layers.AveragePooling2D(**window)(image)),
    ):
        values = shown(y)
        style.cells(panel, values, title, cmap="gray_r")
        panel.set_xlabel(f"0 to {values.max():.2f}")
    return figure


def local_response_normalization() -> Figure:
    """Strong channels hush their neighbors; strong places too."""
    figure, (left, right) = style.panels()
    x = np.full(16, 1.0, "float32")
    x[5], x[11], x[12] = 4.0, 3.0, 3.0
    channels = np.arange(16)
    left.bar(channels, x, color=style.FAINT, label="input")
    for size, color, marker in ((3, style.RED, "o"), (7, style.BLUE, "s")):
        layer = kh.layers.LocalResponseNormalization(size=size)
        y = keras.ops.convert_to_numpy(layer(x[None, None, None]))[0, 0, 0]
        left.plot(
            channels,
            y,
            color=color,
            marker=marker,
            markersize=4,
            linewidth=1.2,
            label=f"output, size={size}",
        )
    left.set_xlabel("channel")
    left.set_xticks(range(0, 16, 3))
    left.set_ylabel("activation")
    left.set_title("across channels")
    left.set_ylim(0, 5.6)
    left.legend(loc="upper left", ncols=2, columnspacing=1.0)
    line = np.linspace(0.0, 6.0, 61, dtype="float32")
    for alpha, color in zip((1e-4, 0.1, 1.0), style.COLORS, strict=False):
        layer = kh.layers.LocalResponseNormalization(size=1, alpha=alpha)
        y = layer(line[None, None, :, None])
        right.plot(
            line,
            keras.ops.convert_to_numpy(y)[0, 0, :, 0],
            color=color,
            label=f"alpha={alpha:g}",
        )
    right.set_xlabel("x")
    right.set_ylabel("y")
    right.set_title("one channel alone (size=1)")
    right.legend()
    return figure
