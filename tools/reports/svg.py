"""Drawings as SVG that takes the colors of its page, light or dark."""

import html
import io
import re
from collections.abc import Callable

import matplotlib
from matplotlib.figure import Figure

# Colors that the page sets, by what stands for them in a drawing.
COLORS = {
    "#010203": "currentColor",
    "#010204": "var(--first)",
    "#010205": "var(--second)",
    "#010206": "var(--third)",
}
INK, *LINES = COLORS
# Drawn with the color of the page's words.
INKED = (
    *("axes.edgecolor", "axes.labelcolor", "text.color"),
    *("xtick.color", "ytick.color", "grid.color"),
)


def drawing(
    title: str, words: str, draw: Callable[[], Figure], size: float = 11
) -> str:
    """A drawing with its heading, as a part of a page.

    Args:
        title: The heading.
        words: What the drawing shows, with its numbers, for those who do
            not see it.
        draw: Draws it, with `INK` and `LINES` as colors.
        size: Of its letters, in points.

    Returns:
        HTML: a `figure`.
    """
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": title,
        "font.family": "sans-serif",
        "font.size": size,
        **dict.fromkeys(INKED, INK),
    }
    with matplotlib.rc_context(settings):
        svg = as_element(draw())
    label = html.escape(words, quote=True)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    return f"<figure><h3>{html.escape(title)}</h3>{svg}</figure>"


def as_element(figure: Figure) -> str:
    """A figure as SVG within a page."""
    file = io.StringIO()
    figure.savefig(
        file, format="svg", transparent=True, metadata={"Date": None}
    )
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    # A style within the page would be everybody's.
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.S)
    # Numbered names of groups would be those of each drawing.
    svg = re.sub(r' id="[a-z0-9.]+_\d+"', "", svg)
    # The page says how wide it is.
    svg = re.sub(r'^(<svg[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'^(<svg[^>]*?) height="[^"]*"', r"\1", svg)
    for color, instead in COLORS.items():
        svg = svg.replace(color, instead)
    return svg.strip()
