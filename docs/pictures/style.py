"""How every picture looks: one palette, one type size, 700 pixels wide."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#222222"
FAINT = "#d9d9d9"
# Okabe and Ito's, told apart by color-blind readers too.
BLUE, RED, GREEN = "#0072b2", "#d55e00", "#009e73"
PURPLE, ORANGE, SKY = "#b0578d", "#e69f00", "#56b4e9"
COLORS = (BLUE, RED, GREEN, PURPLE, ORANGE, SKY)
RULES = {
    # Text stays text; matplotlib lists what may stand in for DejaVu Sans.
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "legend.fontsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "savefig.facecolor": "white",
    # The same bytes from the same numbers.
    "svg.hashsalt": "keras_hypersphere",
}


def panels(
    columns: int = 2, height: float = 2.9, **options: object
) -> tuple[Figure, list[Axes]]:
    """A figure with panels side by side; `height` in inches, 7 wide."""
    figure = Figure(figsize=(7.0, height), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    axes = figure.subplots(1, columns, squeeze=False, **options)
    return figure, list(axes[0])


def angle_axis(axes: Axes, label: str = "angle to the own class") -> None:
    """Degrees from 0 to 180."""
    axes.set_xlim(0, 180)
    axes.set_xticks(range(0, 181, 45))
    axes.set_xlabel(f"{label} (degrees)")


def plane(axes: Axes, reach: float = 1.25) -> None:
    """Equal units both ways, and the unit circle."""
    axes.set_aspect("equal")
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_axis_off()
    turn = np.linspace(0.0, 2 * np.pi, 181)
    axes.plot(np.cos(turn), np.sin(turn), color=FAINT, linewidth=1, zorder=0)


def cells(
    axes: Axes, values: np.ndarray, title: str, **options: object
) -> None:
    """A small matrix as gray cells, one number each where `numbers` is set."""
    numbers = options.pop("numbers", False)
    options = {"cmap": "Blues", "vmin": 0.0, **options}
    axes.imshow(values, interpolation="nearest", **options)
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    axes.spines[:].set_visible(False)
    if numbers:
        top = options.get("vmax", values.max())
        for (row, column), value in np.ndenumerate(values):
            axes.text(
                column,
                row,
                f"{value:g}",
                ha="center",
                va="center",
                color="white" if value > 0.6 * top else INK,
            )


def broken(values: np.ndarray, jump: float = 0.08) -> np.ndarray:
    """NaN behind every jump, so that no line is drawn across it."""
    values = np.array(values, "float64")
    values[1:][np.abs(np.diff(values)) > jump] = np.nan
    return values


def on_circle(degrees: np.ndarray) -> np.ndarray:
    """(N,) angles in degrees -> (N, 2) unit vectors."""
    angle = np.radians(np.asarray(degrees, "float64"))
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1).astype("float32")


def save(figure: Figure, path: Path) -> None:
    """Writes SVG, without the date, or what the name of the path asks for."""
    metadata = {"Date": None} if path.suffix == ".svg" else None
    options = {"pil_kwargs": {"quality": 85}} if path.suffix == ".jpg" else {}
    # A photo is half again as fine as it is shown.
    dpi = 216 if path.suffix == ".jpg" else 144
    figure.savefig(path, metadata=metadata, dpi=dpi, **options)


def rules() -> "matplotlib.RcParams":
    """A context within which figures have this style."""
    return matplotlib.rc_context(RULES)
