"""Pictures of embeddings: the circle, the sphere, angles of pairs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#333333"
FAINT = "#d0d0d0"


def sphere(
    embeddings: ArrayLike,
    labels: ArrayLike,
    normalize: bool = True,
    title: str | None = None,
    class_names: Mapping[Any, str] | Sequence[str] | None = None,
    centers: bool = True,
    legend: bool = True,
    view: tuple[float, float] = (20.0, 35.0),
    axes: "Axes | None" = None,
) -> "Figure":
    """Draws embeddings on the circle or the sphere, one color a class.

    Two dimensions give a circle, three a sphere. A line from the origin
    shows the direction of each class: the mean of its unit vectors.

    Args:
        embeddings: `(N, 2)` or `(N, 3)` array.
        labels: `(N,)` array of class labels; every distinct one is a class.
        normalize: bool, whether embeddings are drawn at length 1, where
            angles show best. `False` draws them as they are, around a faint
            circle or sphere of their median length.
        title: str or None.
        class_names: a mapping from label to name, or a sequence indexed by
            label. Defaults to the labels themselves.
        centers: bool, whether to draw the directions of the classes.
        legend: bool, whether to draw a legend.
        view: elevation and azimuth in degrees, of three dimensions.
        axes: matplotlib axes to draw in, `projection="3d"` for three
            dimensions. Defaults to those of a new figure.

    Returns:
        The matplotlib `Figure`; `figure.savefig(path)` writes it. A new one
        is not known to pyplot, so nothing needs closing.

    Raises:
        ValueError: if shapes do not fit, or values are not finite.

    Example:

    >>> x = np.random.default_rng(0).normal(size=(30, 2))
    >>> figure = kh.plotting.sphere(x, np.arange(30) % 3)
    >>> len(figure.axes)
    1
    """
    x, index, classes = _checked(embeddings, labels)
    names = _names(class_names, classes)
    solid = x.shape[1] == 3
    if axes is None:
        axes = _new_axes(solid)
    elif hasattr(axes, "get_zlim") != solid:
        raise ValueError(
            f"`axes` must have {x.shape[1]} dimensions, as the embeddings. "
            f'Received: axes={axes!r}; pass `projection="3d"` to '
            "`add_subplot` for three."
        )
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    units = x / np.where(lengths > 0, lengths, 1.0)
    points = units if normalize else x
    radius = 1.0 if normalize else float(np.median(lengths)) or 1.0
    reach = 1.0 if normalize else float(lengths.max()) or 1.0
    (_globe if solid else _circle)(axes, radius)
    colors = _colors(len(classes))
    for i, name in enumerate(names):
        own = points[index == i]
        axes.scatter(
            *own.T, s=11, color=colors[i], alpha=0.7, linewidths=0, label=name
        )
    if centers:
        for i, name in enumerate(names):
            mean = units[index == i].mean(0)
            length = np.linalg.norm(mean)
            if length > 0:
                _ray(axes, reach * mean / length, colors[i], name)
    edge = 1.22 * reach
    axes.set_xlim(-edge, edge)
    axes.set_ylim(-edge, edge)
    if solid:
        axes.set_zlim(-edge, edge)
        axes.set_box_aspect((1, 1, 1), zoom=1.6)
        axes.view_init(*view)
    else:
        axes.set_aspect("equal")
    axes.set_axis_off()
    if title is not None:
        axes.set_title(title, color=INK)
    if legend:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), markerscale=2)
    return axes.figure


def angle_histogram(
    embeddings: ArrayLike,
    labels: ArrayLike,
    bins: int = 60,
    pairs: int = 1_000_000,
    title: str | None = None,
    legend: bool = True,
    seed: int = 0,
    axes: "Axes | None" = None,
) -> "Figure":
    """Draws the angles of pairs of one class and of pairs of two classes.

    Each of the two histograms has area 1. The less they overlap, the better
    one threshold tells same from different.

    Args:
        embeddings: `(N, d)` array of any dimension.
        labels: `(N,)` array of class labels, two classes or more, one of
            them with two embeddings or more.
        bins: int, number of bins between 0 and 180 degrees.
        pairs: int, how many pairs of each kind to draw at random where there
            are more of both kinds together; otherwise every pair counts.
        title: str or None.
        legend: bool, whether to draw a legend.
        seed: int, of the random pairs.
        axes: matplotlib axes to draw in. Defaults to those of a new figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        ValueError: if shapes do not fit, values are not finite, or a kind
            of pairs does not exist.

    Example:

    >>> x = np.random.default_rng(0).normal(size=(30, 8))
    >>> figure = kh.plotting.angle_histogram(x, np.arange(30) % 3)
    >>> [text.get_text() for text in figure.axes[0].get_legend().texts]
    ['same class', 'different classes']
    """
    x, index, _ = _checked(embeddings, labels, dimensions=None)
    same, different = pair_angles(x, index, pairs, seed)
    if axes is None:
        axes = _new_axes(False)
    edges = np.linspace(0.0, 180.0, bins + 1)
    for angles, color, name in (
        (same, "tab:green", "same class"),
        (different, "tab:red", "different classes"),
    ):
        axes.hist(
            angles,
            list(edges),
            density=True,
            color=color,
            alpha=0.55,
            label=name,
        )
    axes.set_xlim(0.0, 180.0)
    axes.set_xticks(range(0, 181, 45))
    axes.set_xlabel("angle of a pair (degrees)", color=INK)
    axes.set_yticks([])
    axes.spines[["left", "right", "top"]].set_visible(False)
    if title is not None:
        axes.set_title(title, color=INK)
    if legend:
        axes.legend(frameon=False)
    return axes.figure


def pair_angles(
    x: np.ndarray, index: np.ndarray, pairs: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Angles in degrees of pairs of one class, and of two classes."""
    n = len(x)
    if n * (n - 1) // 2 <= pairs:
        first, second = np.triu_indices(n, 1)
    else:
        rng = np.random.default_rng(seed)
        order = np.argsort(index, kind="stable")
        counts = np.bincount(index)
        starts = np.cumsum(counts) - counts
        # A partner within the class: another place among the class's own.
        place = np.empty(n, int)
        place[order] = np.arange(n) - starts[index[order]]
        company = np.flatnonzero(counts[index] > 1)
        mine = rng.choice(company, pairs) if len(company) else company
        step = 1 + rng.integers(0, np.maximum(counts[index[mine]] - 1, 1))
        other = (place[mine] + step) % counts[index[mine]]
        # A partner outside: any other place in the class order.
        away = rng.integers(0, n, pairs)
        skip = rng.integers(0, np.maximum(n - counts[index[away]], 1))
        beyond = (starts + counts)[index[away]] + skip
        first = np.concatenate([mine, away])
        second = order[
            np.concatenate([starts[index[mine]] + other, beyond % n])
        ]
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    units = x / np.where(lengths > 0, lengths, 1.0)
    cosines = np.concatenate(
        [
            (units[first[i : i + 65536]] * units[second[i : i + 65536]]).sum(1)
            for i in range(0, len(first), 65536)
        ]
        or [np.zeros(0)]
    )
    angles = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    one = index[first] == index[second]
    if not one.any() or one.all():
        raise ValueError(
            "`labels` must make pairs of both kinds: two classes or more, "
            "one of them with two embeddings or more. "
            f"Received: {len(np.unique(index))} classes of {n} embeddings."
        )
    return angles[one], angles[~one]


def _checked(
    embeddings: ArrayLike,
    labels: ArrayLike,
    dimensions: tuple[int, ...] | None = (2, 3),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = np.asarray(embeddings)
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(
            "`embeddings` must be a matrix (samples, dimensions). "
            f"Received: embeddings of shape {x.shape}."
        )
    if dimensions and x.shape[1] not in dimensions:
        raise ValueError(
            "`embeddings` must have shape (N, 2) or (N, 3). Received: "
            f"embeddings of shape {x.shape}; train a network with two or "
            "three features, or project more of them, for instance by PCA."
        )
    x = x.astype("float64")
    if not np.isfinite(x).all():
        raise ValueError(
            "`embeddings` must be finite. "
            "Received: NaN or infinity; look for them with `np.isfinite`."
        )
    labels = np.asarray(labels)
    if labels.shape != (len(x),):
        raise ValueError(
            f"`labels` must hold one label for each of the {len(x)} "
            f"embeddings. Received: labels of shape {labels.shape}."
        )
    classes, index = np.unique(labels, return_inverse=True)
    return x, index, classes


def _names(class_names: Any, classes: np.ndarray) -> list[str]:
    if class_names is None:
        return [str(c) for c in classes]
    try:
        return [str(class_names[c]) for c in classes.tolist()]
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(
            "`class_names` must have a name for every label. "
            f"Received: class_names={class_names!r} and the labels "
            f"{classes.tolist()}."
        ) from error


def _new_axes(solid: bool) -> "Axes":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    return figure.add_subplot(projection="3d" if solid else None)


def _colors(count: int) -> list[Any]:
    import matplotlib

    if count <= 10:
        return list(matplotlib.colormaps["tab10"].colors[:count])
    wheel = matplotlib.colormaps["hsv"]
    return [wheel(i / count) for i in range(count)]


def _circle(axes: "Axes", radius: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 361)
    axes.plot(
        radius * np.cos(angle), radius * np.sin(angle), color=FAINT, zorder=0
    )


def _globe(axes: "Axes", radius: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 121)
    for tilt in np.radians((-60, -30, 0, 30, 60)):
        ring = radius * np.cos(tilt)
        axes.plot(
            ring * np.cos(angle),
            ring * np.sin(angle),
            np.full_like(angle, radius * np.sin(tilt)),
            color=FAINT,
            linewidth=0.6,
        )
    for turn in np.radians(range(0, 180, 30)):
        axes.plot(
            radius * np.cos(angle) * np.cos(turn),
            radius * np.cos(angle) * np.sin(turn),
            radius * np.sin(angle),
            color=FAINT,
            linewidth=0.6,
        )


def _ray(axes: "Axes", tip: np.ndarray, color: Any, name: str) -> None:
    from matplotlib.patheffects import withStroke

    # Above the points, which three-dimensional axes sort by depth.
    axes.plot(
        *np.stack([0 * tip, tip], axis=1),
        color=color,
        linewidth=1.4,
        zorder=100,
    )
    axes.text(
        *(1.13 * tip),
        name,
        color=color,
        weight="bold",
        ha="center",
        va="center",
        zorder=101,
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )
