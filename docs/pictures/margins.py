"""The margin heads: target logits, annealing, regions of decision."""

import keras
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Wedge

import keras_hypersphere as kh
from docs.pictures import style

ANGLES = np.linspace(0.0, 180.0, 181)


def target_logits(head: keras.layers.Layer, units: float = 1.0) -> np.ndarray:
    """Logit of the own class of unit vectors, by their angle to it."""
    x = style.on_circle(ANGLES)
    logits = head(x, labels=np.zeros(len(x), "int32"), training=True)
    own = keras.ops.convert_to_numpy(logits)[:, 0] / units
    # The steepest head, ASoftmax with m = 4, falls by 0.07 a degree.
    return style.broken(own, 0.15 if units == 1.0 else 0.06)


def asoftmax() -> Figure:
    """Margins 1 to 4, and how the annealing lets the last of them in."""
    figure, (left, right) = style.panels(sharey=True)
    for margin, color in zip((1, 2, 3, 4), style.COLORS, strict=False):
        head = kh.layers.ASoftmax(
            2, margin=margin, annealing=None, kernel_initializer="identity"
        )
        left.plot(
            ANGLES, target_logits(head), color=color, label=f"m = {margin}"
        )
    left.set_ylabel("target logit / |x|")
    left.set_title("bare margin (λ = 0)")
    for step, color in zip((1, 100, 1659), style.COLORS, strict=False):
        schedule = kh.schedules.LambdaAnnealing(start=step - 1)
        head = kh.layers.ASoftmax(
            2, margin=4, annealing=schedule, kernel_initializer="identity"
        )
        right.plot(
            ANGLES,
            target_logits(head),
            color=color,
            label=f"step {step:,}: λ = {schedule(step):.3g}",
        )
    bare = kh.layers.ASoftmax(
        2, margin=4, annealing=None, kernel_initializer="identity"
    )
    right.plot(ANGLES, target_logits(bare), color=style.PURPLE, label="λ = 0")
    right.set_title("m = 4, annealed")
    for axes in (left, right):
        style.angle_axis(axes)
        axes.legend(loc="lower left")
    return figure


def annealing() -> Figure:
    """Lambda by step, and the share of the margin in the logit."""
    figure, (left, right) = style.panels()
    steps = np.unique(np.geomspace(1, 10_000, 200).astype(int))
    for name, options, color, line in (
        ("gamma 0.5", {"gamma": 0.5}, style.RED, "-"),
        ("minimum 0", {"minimum": 0.0}, style.GREEN, "-"),
        ("default (SphereFace)", {}, style.BLUE, "--"),
    ):
        schedule = kh.schedules.LambdaAnnealing(**options)
        values = np.array([schedule(int(step)) for step in steps])
        left.plot(steps, values, color=color, linestyle=line, label=name)
        right.plot(steps, 100 / (1 + values), color=color, linestyle=line)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlim(1, 10_000)
        axes.set_xlabel("training step")
    left.set_yscale("log")
    left.set_ylabel("λ")
    left.legend(loc="lower left")
    right.set_ylabel("weight of the margin (%)")
    right.set_ylim(0, 60)
    return figure


def l_softmax() -> Figure:
    """What the lengths of columns do: longer columns win ground."""
    figure, (left, right) = style.panels(height=3.1)
    for length, color in zip((0.5, 1.0, 2.0), style.COLORS, strict=False):
        for margin, line in ((1, ":"), (4, "-")):
            head = kh.layers.LSoftmax(2, margin=margin, annealing=None)
            head.build((None, 2))
            head.set_weights([length * np.eye(2)])
            left.plot(
                ANGLES,
                target_logits(head),
                color=color,
                linestyle=line,
                label=f"|w| = {length:g}" if margin == 4 else None,
            )
    left.plot([], [], color=style.INK, linestyle=":", label="m = 1")
    left.set_ylabel("target logit, |x| = 1")
    left.set_title("m = 4")
    style.angle_axis(left)
    left.legend(loc="lower left")
    regions(
        right,
        kh.layers.LSoftmax(2, margin=2, annealing=None),
        "m = 2, |w₁| = 2, |w₂| = 1",
        lengths=(2.0, 1.0),
    )
    return figure


def am_softmax() -> Figure:
    """Margins, and the published release, which lowers fewer cosines."""
    figure, (left, right) = style.panels(sharey=True)
    for margin, color in zip((0.0, 0.2, 0.35, 0.5), style.COLORS, strict=False):
        head = kh.layers.AMSoftmax(2, margin, kernel_initializer="identity")
        left.plot(
            ANGLES,
            target_logits(head, head.scale),
            color=color,
            label=f"m = {margin:g}",
        )
    left.set_ylabel("target logit / scale")
    left.set_title('gradient="exact"')
    for mode, color in (("exact", style.GREEN), ("caffe", style.RED)):
        head = kh.layers.AMSoftmax(
            2, gradient=mode, kernel_initializer="identity"
        )
        right.plot(
            ANGLES, target_logits(head, head.scale), color=color, label=mode
        )
    right.set_title("m = 0.35, both gradient modes")
    for axes in (left, right):
        style.angle_axis(axes)
        axes.legend(loc="lower left")
    return figure


def arc_face() -> Figure:
    """Margins, and what each head takes from the target cosine."""
    figure, (left, right) = style.panels()
    for margin, color in zip((0.0, 0.3, 0.5), style.COLORS, strict=False):
        head = kh.layers.ArcFace(2, margin, kernel_initializer="identity")
        left.plot(
            ANGLES,
            target_logits(head, head.scale),
            color=color,
            label=f"m = {margin:g}",
        )
    easy = kh.layers.ArcFace(2, easy_margin=True, kernel_initializer="identity")
    left.plot(
        ANGLES,
        target_logits(easy, easy.scale),
        color=style.PURPLE,
        linestyle="--",
        label="m = 0.5, easy_margin",
    )
    left.set_ylabel("target logit / scale")
    left.legend(loc="lower left")
    plain = kh.layers.CosineDense(2, kernel_initializer="identity")
    cosine = keras.ops.convert_to_numpy(plain(style.on_circle(ANGLES)))[:, 0]
    schedule = kh.schedules.LambdaAnnealing(base=5.0, gamma=0.0)
    for name, head, scale, color in (
        ("ArcFace, m = 0.5", kh.layers.ArcFace, 64.0, style.GREEN),
        ("AMSoftmax, m = 0.35", kh.layers.AMSoftmax, 30.0, style.BLUE),
        ("ASoftmax, m = 4, λ = 5", kh.layers.ASoftmax, 1.0, style.RED),
    ):
        options = {"annealing": schedule} if head is kh.layers.ASoftmax else {}
        layer = head(2, kernel_initializer="identity", **options)
        right.plot(
            ANGLES,
            cosine - target_logits(layer, scale),
            color=color,
            label=name,
        )
    right.set_ylabel("taken from the cosine")
    right.set_ylim(0, 1.35)
    right.legend(loc="upper left")
    for axes in (left, right):
        style.angle_axis(axes)
    return figure


def decisions() -> Figure:
    """Regions of two classes on the circle, head by head."""
    figure, axes = style.panels(4, height=1.95)
    heads = (
        ("no margin", kh.layers.AMSoftmax(2, margin=0.0)),
        ("ASoftmax, m = 4", kh.layers.ASoftmax(2, annealing=None)),
        ("AMSoftmax, m = 0.35", kh.layers.AMSoftmax(2)),
        ("ArcFace, m = 0.5", kh.layers.ArcFace(2)),
    )
    for panel, (name, head) in zip(axes, heads, strict=True):
        regions(panel, head, name)
    return figure


def regions(
    axes: Axes,
    head: keras.layers.Layer,
    title: str,
    lengths: tuple[float, float] = (1.0, 1.0),
) -> None:
    """Colors the directions that satisfy the margin of one of two classes."""
    directions = style.on_circle(np.array([45.0, 135.0]))
    head.build((None, 2))
    head.set_weights([directions.T * np.array(lengths)])
    degrees = np.arange(0.25, 360.0, 0.5)
    x = style.on_circle(degrees)
    style.plane(axes, 1.4)
    for own, color in ((0, style.BLUE), (1, style.RED)):
        labels = np.full(len(x), own, "int32")
        logits = keras.ops.convert_to_numpy(head(x, labels, training=True))
        wins = logits[:, own] > logits[:, 1 - own]
        edges = np.flatnonzero(np.diff(wins, prepend=wins[-1]))
        for first, last in zip(edges, np.roll(edges, -1), strict=True):
            if wins[first]:
                axes.add_patch(
                    Wedge(
                        (0, 0),
                        1.0,
                        degrees[first] - 0.25,
                        degrees[last] - 0.25,
                        color=color,
                        alpha=0.35,
                        linewidth=0,
                    )
                )
        tip = directions[own] * (1.0 if max(lengths) == 1 else lengths[own] / 2)
        axes.annotate(
            "", tip, (0, 0), arrowprops={"arrowstyle": "->", "color": color}
        )
        axes.text(
            *(directions[own] * 1.27),
            f"w{'₁₂'[own]}",
            color=color,
            ha="center",
            va="center",
        )
    axes.set_title(title)
