"""Losses of samples: softmax, pairs, triplets, and what is mined."""

import keras
import numpy as np
from matplotlib.figure import Figure

import keras_hypersphere as kh
from docs.pictures import style


def softmax_cross_entropy() -> Figure:
    """Smoothing moves the least loss; the maximum cuts it."""
    figure, (left, right) = style.panels()
    gap = np.linspace(-4.0, 12.0, 161, dtype="float32")
    # The own class of ten is ahead of all others by the gap.
    logits = np.zeros((len(gap), 10), "float32")
    logits[:, 0] = gap
    labels = np.zeros(len(gap), "int32")
    for share, color in zip((0.0, 0.1, 0.2), style.COLORS, strict=False):
        loss = kh.losses.SoftmaxCrossEntropy(label_smoothing=share)
        left.plot(
            gap,
            keras.ops.convert_to_numpy(loss.call(labels, logits)),
            color=color,
            label=f"label_smoothing={share:g}",
        )
    left.set_ylim(0, 7)
    left.legend(loc="upper right")
    left.set_title("10 classes")
    wide = np.linspace(-150.0, 0.0, 151, dtype="float32")
    logits = np.zeros((len(wide), 10), "float32")
    logits[:, 0] = wide
    for maximum, color, line in (
        (1e30, style.BLUE, "-"),
        (kh.theory.SATURATED_LOSS, style.RED, "--"),
    ):
        loss = kh.losses.SoftmaxCrossEntropy(maximum=maximum)
        values = loss.call(np.zeros(len(wide), "int32"), logits)
        right.plot(
            wide,
            keras.ops.convert_to_numpy(values),
            color=color,
            linestyle=line,
            label=f"maximum={maximum:g}",
        )
    right.legend(loc="upper right")
    right.set_title("far on the wrong side")
    for axes in (left, right):
        axes.set_xlabel("own logit − all others")
        axes.set_ylabel("loss of a sample (nats)")
    return figure


def pair_contrastive_loss() -> Figure:
    """Loss of one pair by its distance."""
    figure, axes = style.panels(sharey=True)
    distance = np.linspace(0.0, 2.0, 41)
    for panel, squared in zip(axes, (True, False), strict=True):
        loss = kh.losses.PairContrastiveLoss(squared=squared)
        for labels, name, color in (
            ([0, 0], "same class", style.BLUE),
            ([0, 1], "two classes, margin=1", style.RED),
        ):
            values = [
                float(loss(np.array(labels), np.array([[0.0, 0.0], [d, 0.0]])))
                for d in distance
            ]
            panel.plot(distance, values, color=color, label=name)
        panel.set_title(f"squared={squared}")
        panel.set_xlabel("distance |a − b|")
        panel.legend(loc="upper left")
    axes[0].set_ylabel("loss of a pair")
    return figure


def triplet_loss() -> Figure:
    """Loss by the place of a negative, and which negatives are chosen."""
    figure, (left, right) = style.panels(height=3.3)
    places = np.linspace(0.02, 2.0, 67)
    for mining, color, line in (
        ("all", style.BLUE, "-"),
        ("hard", style.GREEN, "--"),
        ("semi-hard", style.RED, "-"),
    ):
        loss = kh.losses.TripletLoss(margin=0.5, mining=mining, distance="l2")
        values = []
        for place in places:
            # Anchor, positive at distance 1, one negative on the other side.
            x = np.array([[0.0, 0.0], [1.0, 0.0], [-place, 0.0]])
            values.append(float(loss.call(np.array([0, 0, 1]), x)[0]))
        values = style.broken(values, 0.2)
        left.plot(places, values, color=color, linestyle=line, label=mining)
    left.axvline(1.0, color=style.FAINT, linewidth=1.2, zorder=0)
    left.set_xlabel("distance of the negative (positive at 1)")
    left.set_ylabel("value of the anchor")
    left.set_title('margin=0.5, distance="l2"')
    left.legend(title="mining=", alignment="left")
    rng = np.random.default_rng(11)
    others = rng.uniform(-1.25, 1.25, (40, 2))
    others = others[np.linalg.norm(others, axis=1) < 1.25]
    x = np.concatenate([[[0.0, 0.0], [0.0, 0.7]], others])
    labels = np.concatenate([[0, 0], 1 + np.arange(len(others))])
    distances = kh.mining.pairwise_distance(x, distance="l2")
    table = keras.ops.convert_to_numpy(distances)[0]
    hard = keras.ops.convert_to_numpy(
        kh.mining.hard_negatives(distances, labels)[0]
    )[0]
    semi = keras.ops.convert_to_numpy(
        kh.mining.semi_hard_negatives(distances, labels)[0]
    )[0, 1]
    style.plane(right, 1.5)
    right.lines[0].remove()
    turn = np.linspace(0.0, 2 * np.pi, 181)
    rim = np.stack([np.cos(turn), np.sin(turn)])
    right.plot(*(table[1] * rim), color=style.BLUE, linewidth=1)
    right.scatter(*others.T, s=12, color=style.FAINT, edgecolor="#999999")
    for name, value, color in (
        ("hard", hard, style.GREEN),
        ("semi-hard", semi, style.RED),
    ):
        chosen = x[2:][np.isclose(table[2:], value)]
        right.scatter(*chosen.T, s=55, color=color, label=f"{name} negative")
    right.scatter(0, 0, s=55, color=style.INK, label="anchor")
    right.scatter(*x[1], s=55, color=style.BLUE, label="positive")
    right.legend(
        loc="upper center", bbox_to_anchor=(0.5, 0.03), ncols=2, columnspacing=1
    )
    return figure


def harmonic_triplet_loss() -> Figure:
    """New embeddings that are good among themselves, but do not fit the old."""
    figure, (left, right) = style.panels(height=3.2)
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(4), 5)
    spread = rng.normal(scale=6.0, size=20)
    old = style.on_circle(90.0 * labels + spread)
    turns = np.linspace(-180.0, 180.0, 49)
    alone, mixed = kh.losses.TripletLoss(), kh.losses.HarmonicTripletLoss()
    losses = [[], []]
    for turn in turns:
        new = style.on_circle(90.0 * labels + spread + turn)
        losses[0].append(float(alone(labels, new)))
        both = np.concatenate([new, old], axis=1)
        losses[1].append(float(mixed(labels, both)))
    left.plot(turns, losses[1], color=style.RED, label="HarmonicTripletLoss")
    left.plot(turns, losses[0], color=style.BLUE, label="TripletLoss of v2")
    left.set_xlim(-180, 180)
    left.set_xticks(range(-180, 181, 90))
    left.set_xlabel("turn of v2 against v1 (degrees)")
    left.set_ylabel("loss")
    left.legend(loc="upper center")
    left.set_ylim(-0.01, 1.35 * max(losses[1]))
    style.plane(right, 1.5)
    new = style.on_circle(90.0 * labels + spread + 30.0)
    for c in range(4):
        own = labels == c
        color = style.COLORS[c]
        right.scatter(*old[own].T, s=26, facecolor="none", edgecolor=color)
        right.scatter(*(1.16 * new[own]).T, s=26, color=color)
    right.set_title("v1: rings, v2: dots, turned by 30 degrees")
    return figure


def metric_loss() -> Figure:
    """One value for each sample; their mean is the loss."""
    figure, axes = style.panels(sharey=False)
    labels = np.repeat(np.arange(3), 4)
    x = style.on_circle(
        60.0 * labels + np.random.default_rng(5).normal(scale=22.0, size=12)
    )
    for panel, loss in zip(
        axes,
        (
            kh.losses.TripletLoss(mining="all"),
            kh.losses.PairContrastiveLoss(margin=0.8),
        ),
        strict=True,
    ):
        values = keras.ops.convert_to_numpy(loss.call(labels, x))
        colors = [style.COLORS[c] for c in labels]
        panel.bar(range(12), values, color=colors)
        mean = float(loss(labels, x))
        panel.axhline(mean, color=style.INK, linewidth=1.2)
        panel.set_title(f"{type(loss).__name__}: mean {mean:.3g}")
        panel.set_xlabel("sample of the batch, colored by class")
        panel.set_xticks(range(0, 12, 2))
    axes[0].set_ylabel("value of the sample")
    return figure
