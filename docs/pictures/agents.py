"""Agents and centers: distances, and the losses made of them."""

import keras
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

import keras_hypersphere as kh
from docs.pictures import style

THREE = np.array([90.0, 210.0, 330.0])


def added_loss(head: keras.layers.Layer, x: np.ndarray, label: int) -> float:
    """What the head adds for one sample."""
    head(x[None], labels=np.array([label], "int32"))
    return float(head.losses[0])


def tour(head: keras.layers.Layer, degrees: np.ndarray) -> list[float]:
    """Loss of a sample of class 0 that travels around three agents."""
    head.build((None, 2))
    head.set_weights([style.on_circle(THREE)])
    return [added_loss(head, x, 0) for x in style.on_circle(90.0 + degrees)]


def agent_contrastive() -> Figure:
    """Pull and push by distance; the sum along the circle."""
    figure, (left, right) = style.panels()
    degrees = np.linspace(0.0, 180.0, 46)
    points = style.on_circle(degrees)
    origin = style.on_circle(np.array([0.0]))
    for name, options, color, line in (
        ("pull P", {}, style.BLUE, "-"),
        ("push Q", {}, style.RED, "-"),
        (
            "Q, exponential_negative",
            {"exponential_negative": True},
            style.RED,
            ":",
        ),
        ("P, positive_outlier=2", {"positive_outlier": 2.0}, style.BLUE, ":"),
    ):
        distances, values = [], []
        for point in points:
            if name.startswith("P") or name.startswith("pull"):
                agents = point[None]
            else:
                # The own agent lies on the sample and pulls no more.
                agents = np.stack([origin[0], point])
            head = kh.layers.AgentContrastive(len(agents), **options)
            head.build((None, 2))
            head.set_weights([agents])
            distances.append(-float(head(origin)[0, -1]))
            values.append(added_loss(head, origin[0], 0))
        values = style.broken(values, 0.25)
        left.plot(distances, values, color=color, linestyle=line, label=name)
    left.set_xlabel("squared distance D to the agent")
    left.set_ylabel("loss of one sample")
    left.legend(loc="upper left")
    turn = np.linspace(-180.0, 180.0, 121)
    for margin, color in zip((0.8, 1.0, 2.0), style.COLORS, strict=False):
        head = kh.layers.AgentContrastive(3, negative_margin=margin)
        right.plot(
            turn,
            tour(head, turn),
            color=color,
            label=f"negative_margin={margin:g}",
        )
    right.set_ylim(0, 6.6)
    around(right)
    return figure


def around(axes: "object") -> None:
    """The axis of a sample that travels around three agents."""
    axes.set_xlim(-180, 180)
    axes.set_xticks([-180, -120, -60, 0, 60, 120, 180])
    axes.set_xlabel("angle to the own agent (degrees);\nothers at ±120")
    axes.set_ylabel("loss of one sample")
    axes.legend(loc="upper center")


def agent_triplet() -> Figure:
    """The hinges along the circle: margins, and all of them or the worst."""
    figure, (left, right) = style.panels()
    turn = np.linspace(-180.0, 180.0, 121)
    for margin, color in zip((0.2, 0.8, 1.6), style.COLORS, strict=False):
        head = kh.layers.AgentTriplet(3, margin=margin)
        left.plot(
            turn, tour(head, turn), color=color, label=f"margin={margin:g}"
        )
    left.set_title("hardest_only=True")
    for hardest, color in ((True, style.RED), (False, style.BLUE)):
        head = kh.layers.AgentTriplet(3, hardest_only=hardest)
        right.plot(
            turn, tour(head, turn), color=color, label=f"hardest_only={hardest}"
        )
    right.set_title("margin=0.8")
    for axes in (left, right):
        around(axes)
        axes.set_ylim(0, 9)
    return figure


def inner_distance() -> Figure:
    """The nearest agent at every place of the plane."""
    figure, axes = style.panels(height=3.3)
    agents = np.random.default_rng(2).uniform(-1.6, 1.6, (6, 2))
    # Middles of 240 cells; contours need fewer.
    side = np.linspace(-2.0, 2.0, 481)[1::2]
    places = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    for panel, distance in zip(axes, ("squared-l2", "l1"), strict=True):
        layer = kh.layers.InnerDistance(6, distance=distance)
        layer.build((None, 2))
        layer.set_weights([agents])
        table = keras.ops.convert_to_numpy(layer(places.astype("float32")))
        nearest = table.argmin(1).reshape(240, 240)
        lowest = table.min(1).reshape(240, 240)
        panel.imshow(
            nearest,
            cmap=ListedColormap(style.COLORS),
            alpha=0.3,
            extent=(-2, 2, -2, 2),
            origin="lower",
            interpolation="nearest",
        )
        panel.contour(
            side[::4],
            side[::4],
            lowest[::4, ::4],
            [0.25, 1.0],
            colors=style.INK,
            linewidths=0.5,
            alpha=0.6,
        )
        panel.scatter(*agents.T, color=style.COLORS, s=34, edgecolor="white")
        panel.set_aspect("equal")
        panel.set_xlabel("feature 1")
        panel.set_ylabel("feature 2")
        panel.set_title(f'distance="{distance}"')
        panel.grid(False)
    return figure


def center_loss() -> Figure:
    """Centers on their way to three classes, and the loss meanwhile."""
    figure, (left, right) = style.panels(height=3.2)
    rng = np.random.default_rng(0)
    means = 2.0 * style.on_circle(THREE)
    labels = np.repeat(np.arange(3), 30)
    x = (means[labels] + 0.45 * rng.normal(size=(90, 2))).astype("float32")
    left.set_aspect("equal")
    for rate, color, line in ((0.5, None, "-"), (0.1, style.INK, ":")):
        layer = kh.layers.CenterLoss(3, rate=rate)
        layer.build((None, 2))
        path, losses = [keras.ops.convert_to_numpy(layer.centers)], []
        for _ in range(8):
            batch = rng.permutation(90)[:30]
            layer(x[batch], labels=labels[batch], training=True)
            losses.append(float(layer.losses[0]))
            path.append(keras.ops.convert_to_numpy(layer.centers))
        right.plot(
            range(1, 9),
            losses,
            linestyle=line,
            marker="o",
            markersize=4,
            color=style.INK,
            label=f"rate={rate:g}",
        )
        if color is None:
            tracks = np.stack(path)
            for own in range(3):
                color = style.COLORS[own]
                left.scatter(*x[labels == own].T, s=9, color=color, alpha=0.4)
                left.plot(
                    *tracks[:, own].T,
                    color=color,
                    marker="o",
                    markersize=4,
                    markeredgecolor="white",
                    markeredgewidth=0.6,
                )
    left.set_xlabel("feature 1")
    left.set_ylabel("feature 2")
    left.set_title("features, and centers after each step (rate 0.5)")
    right.set_xlabel("training step")
    right.set_ylabel("added loss")
    right.set_ylim(0)
    right.legend()
    return figure


def agent_losses() -> Figure:
    """Both losses of one sample by its two distances."""
    figure, axes = style.panels(height=3.2, sharey=True)
    side = np.linspace(0.0, 4.0, 41)
    distances = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    labels = np.zeros(len(distances), "int32")
    # Where the labels of the lines stand.
    for panel, loss, shift, other in (
        (axes[0], kh.losses.AgentContrastiveLoss(), 0.0, 2.5),
        (axes[1], kh.losses.AgentTripletLoss(), 0.6, 1.4),
    ):
        values = keras.ops.convert_to_numpy(loss.call(labels, distances))
        lines = panel.contour(
            side,
            side,
            values.reshape(41, 41),
            np.arange(0.5, 5.0, 0.5),
            colors=style.BLUE,
            linewidths=1.2,
        )
        panel.contourf(
            side, side, values.reshape(41, 41), [-1, 1e-6], colors="#cfe8dd"
        )
        panel.clabel(
            lines,
            lines.levels[:5],
            fmt="%g",
            fontsize=8.5,
            manual=[(shift + level, other) for level in lines.levels[:5]],
        )
        panel.set_xlabel("distance to the own agent")
        panel.set_title(type(loss).__name__)
        panel.set_aspect("equal")
    axes[0].set_ylabel("distance to the other agent")
    axes[1].text(0.3, 2.6, "no loss", color=style.GREEN)
    return figure
