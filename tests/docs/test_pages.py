"""Each public layer and loss has a page, and each page its parts."""

import inspect
import re
from pathlib import Path

import pytest

from docs.pictures.catalog import PICTURES
from keras_hypersphere import layers, losses

ROOT = Path(__file__).parents[2] / "docs"
PAGES = sorted([*ROOT.glob("layers/*.md"), *ROOT.glob("losses/*.md")])
CLASSES = [
    (room, name)
    for room, module in (("layers", layers), ("losses", losses))
    for name in module.__all__
    if inspect.isclass(getattr(module, name))
]
IMAGE = re.compile(r"!\[(.+?)\]\((?:\.\./)?pictures/(\w+)\.svg\)")


@pytest.mark.parametrize(("room", "name"), CLASSES)
def test_every_layer_and_loss_has_a_page(room, name):
    pages = [p for p in PAGES if p.parent.name == room]
    titles = [p.read_text().splitlines()[0] for p in pages]
    assert any(name in title for title in titles), (
        f"docs/{room} needs a page whose title names {name}"
    )


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda p: f"{p.parent.name}-{p.stem}"
)
def test_every_page_has_its_parts(page):
    text = page.read_text()
    parts = {
        "a formula": r"`[^`\n]*[=+\u2212·][^`\n]*`",
        "an example": r"^```python",
        "when to use it": r"\*\*When\.|^## When to use it",
        "defaults": r"[Dd]efault",
        "what differs elsewhere": r"\*\*Differences\.|^## Elsewhere|Caffe",
    }
    missing = [
        what for what, sign in parts.items() if not re.search(sign, text, re.M)
    ]
    assert not missing, f"{page.name} lacks {', '.join(missing)}"
    drawn = IMAGE.findall(text)
    assert drawn, f"{page.name} has no picture"
    for alt, name in drawn:
        assert len(alt.split()) > 4, f"{name} needs a description"
        assert name in PICTURES, f"{name} is not drawn by docs/pictures"


def test_every_picture_is_drawn_and_shown():
    files = {path.stem for path in (ROOT / "pictures").glob("*.svg")}
    assert files == set(PICTURES), "run `make pictures`"
    text = "".join(path.read_text() for path in ROOT.rglob("*.md"))
    assert {name for _, name in IMAGE.findall(text)} == files


def test_a_picture_comes_out_the_same(tmp_path):
    """Drawn by the library as it is now, without a date or random names."""
    from docs.pictures.__main__ import draw

    [path] = draw(["maxout"], tmp_path)
    again = path.read_bytes()
    [path] = draw(["maxout"], tmp_path)
    assert path.read_bytes() == again
    assert b"<svg" in again
