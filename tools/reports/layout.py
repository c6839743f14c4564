"""What the pages of all reports are made of, as HTML."""

import base64
import datetime
import html
from collections.abc import Iterable, Mapping, Sequence

import cv2
import numpy as np

from keras_hypersphere.tools.reports.folder import MARK
from keras_hypersphere.version import __version__
from keras_hypersphere.zoo import Card

# Fields of a card that are long lists of numbers, or internal.
LEFT_OUT = {"golden_output", "golden_seed"}
STYLE = """
:root { color-scheme: light dark; --ink: #222; --quiet: #5c5c5c;
  --rule: #e0e0e0; --back: #fff; --box: #f5f5f5; --wrong: #b3261e;
  --first: #2f6db3; --second: #c4601c; --third: #3d8b4f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6;
  --quiet: #a8a8a8; --rule: #3a3a3a; --back: #16181b; --box: #23262a;
  --wrong: #ff8a80; --first: #7fb3ee; --second: #f0995c; --third: #80c98f; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink);
       background: var(--back); margin: 2rem auto; max-width: 62rem;
       padding: 0 1rem; }
a { color: var(--first); }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { margin-top: 2.5rem; }
p.sub, footer { color: var(--quiet); } p.sub { margin-top: .2rem; }
footer { margin-top: 3rem; font-size: .9rem; }
.figures { display: grid; gap: 1rem 2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); }
.figures h3 { font-size: 1rem; margin: 0 0 .3rem; }
.numbers { display: flex; flex-wrap: wrap; gap: 1.2rem 2rem; margin: 1.5rem 0; }
.numbers b { display: block; font-size: 1.5rem; }
.numbers span { color: var(--quiet); font-size: .9rem; }
.tables { display: flex; flex-wrap: wrap; gap: 0 5rem; }
.scroll { overflow-x: auto; }
.scroll td { overflow-wrap: normal; white-space: nowrap; }
.pairs { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); }
figure { margin: 0; } figure img, figure svg { width: 100%; height: auto; }
figcaption { font-size: .8rem; color: var(--quiet); overflow-wrap: anywhere; }
.wrong { color: var(--wrong); font-weight: 600; }
table { border-collapse: collapse; }
th { white-space: nowrap; } th.n { text-align: right; }
th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; vertical-align: top;
  border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { white-space: pre-wrap; background: var(--box); padding: .6rem;
  overflow-wrap: anywhere; }
"""


def document(
    card: Card, result: str, about: str, body: str, command: str
) -> str:
    """A whole page.

    Args:
        card: The model's: its name heads the page, its fields end it.
        result: The first figure, for the title.
        about: What was measured, in words.
        body: What stands between, HTML.
        command: What was typed.
    """
    whole = (
        f"{body}<h2>Model card</h2>{fields(card)}"
        f"<h2>Command</h2><pre>{html.escape(command)}</pre>"
    )
    return page(f"{card.name}: {result}", card.name, about, whole, MARK)


def page(title: str, heading: str, about: str, body: str, mark: str) -> str:
    """A page of any kind.

    Args:
        title: What the window is called.
        heading: What heads the page.
        about: A line below it.
        body: What follows, HTML.
        mark: What tells who made the file, HTML.
    """
    today = datetime.datetime.now().astimezone().date().isoformat()
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">{mark}'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{html.escape(heading)}</h1>"
        f"<p class=sub>{html.escape(about)}</p>{body}</main>"
        f"<footer>keras-hypersphere {__version__}, {today}</footer>"
        "</body></html>\n"
    )


def numbers(values: Iterable[tuple[str, str]]) -> str:
    """The figures that matter, large, each with what it is."""
    shown = "".join(
        f"<div><b>{value}</b><span>{html.escape(label)}</span></div>"
        for value, label in values
    )
    return f"<div class=numbers>{shown}</div>"


def note(words: str) -> str:
    """A sentence below the figures; nothing where there is none."""
    return f"<p>{html.escape(words)}</p>" if words else ""


def drawings(shown: Iterable[str]) -> str:
    """Drawings side by side, each as `svg.drawing` made it."""
    return f"<div class=figures>{''.join(shown)}</div>"


def photo(pixels: np.ndarray, alt: str) -> str:
    """An RGB picture that is part of the page."""
    # `cv2` wants BGR.
    _, data = cv2.imencode(".jpg", pixels[:, :, ::-1])
    code = base64.b64encode(data.tobytes()).decode()
    source = f"data:image/jpeg;base64,{code}"
    return f'<img src="{source}" alt="{html.escape(alt, quote=True)}">'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of numbers."""
    head = "".join(
        f"<th scope=col class=n>{html.escape(name)}" for name in heads
    )
    body = "".join(
        f"<tr>{''.join(f'<td class=n>{value}' for value in row)}"
        for row in rows
    )
    return f"<table><tr>{head}{body}</table>"


def lost(title: str, what: str, why: Mapping[str, str], then: str) -> str:
    """Photos without an embedding; nothing where there are none.

    Args:
        title: The heading.
        what: What is lost, one of it.
        why: Its names and reasons.
        then: What that means for the figures.
    """
    if not why:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(name)}<td>{html.escape(reason)}"
        for name, reason in why.items()
    )
    return (
        f"<h2>{title}</h2><p>Number: {len(why)}. {html.escape(then)}</p>"
        f"<table><tr><th scope=col>{what}<th scope=col>why{rows}</table>"
    )


def fields(card: Card) -> str:
    """What a card says."""
    return listed(
        {
            name: value
            for name, value in card.as_dict().items()
            if name not in LEFT_OUT
        }
    )


def listed(values: Mapping[str, object]) -> str:
    """A table of names and what they are; empty ones are left out."""
    rows = "".join(
        f"<tr><th scope=row>{html.escape(name.replace('_', ' '))}"
        f"<td>{linked(value)}"
        for name, value in values.items()
        if value not in (None, "", [], {})
    )
    return f"<table>{rows}</table>"


def linked(value: object) -> str:
    """A value of a card as HTML: an address can be followed."""
    text = html.escape(plain(value))
    if isinstance(value, str) and value.startswith("https://"):
        return f'<a href="{text}">{text}</a>'
    return text


def plain(value: object) -> str:
    """A value of a card in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name}: {plain(x)}" for name, x in value.items())
    if isinstance(value, list):
        between = "; " if any(isinstance(x, dict) for x in value) else ", "
        return between.join(plain(x) for x in value) or "none"
    return str(value)
