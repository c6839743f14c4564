"""Each public layer and loss has a page, and each page its parts."""

import inspect
import re
from pathlib import Path

import pytest

from docs.pictures.catalog import PHOTOS, PICTURES, file_name
from keras_hypersphere import layers, losses

ROOT = Path(__file__).parents[2] / "docs"
PAGES = sorted([*ROOT.glob("layers/*.md"), *ROOT.glob("losses/*.md")])
CLASSES = [
    (package, name)
    for package, module in (("layers", layers), ("losses", losses))
    for name in module.__all__
    if inspect.isclass(getattr(module, name))
    # Its page is the guide docs/extending.md.
    and name != "MarginHead"
]
CODE = re.compile(r"^```python\n(.*?)```", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"!\[(.+?)\]\((?:\.\./)?pictures/(\w+)\.(?:svg|jpg)\)")


def stem(page):
    return f"{page.parent.name}-{page.stem}"


@pytest.mark.parametrize(("package", "name"), CLASSES)
def test_every_layer_and_loss_has_a_page(package, name):
    pages = [p for p in PAGES if p.parent.name == package]
    titles = [p.read_text().splitlines()[0].removeprefix("# ") for p in pages]
    assert [name in title.split(", ") for title in titles].count(True) == 1, (
        f"docs/{package} needs one page whose title names {name}"
    )


@pytest.mark.parametrize("page", PAGES, ids=stem)
def test_every_page_has_its_parts(page):
    text = page.read_text()
    parts = {
        "a formula": r"`[^`\n]*[=+\u2212·][^`\n]*`",
        "an example": r"^```python",
        "when to use it": r"^\*\*When\.|^## When to use it",
        "defaults": r"^\*\*Defaults\.|^## Defaults",
        "what differs elsewhere": r"^\*\*Differences\.|^## Elsewhere",
    }
    missing = [
        what for what, sign in parts.items() if not re.search(sign, text, re.M)
    ]
    assert not missing, f"{page.name} lacks {', '.join(missing)}"
    for alt, name in IMAGE.findall(text):
        assert len(alt.split()) > 4, f"{name} needs a description"
        assert name in PICTURES, f"{name} is not drawn by docs/pictures"


def test_every_picture_is_drawn_and_shown():
    files = {
        path.name: path.stat().st_size
        for ending in ("svg", "jpg")
        for path in (ROOT / "pictures").glob(f"*.{ending}")
    }
    assert set(files) == set(map(file_name, PICTURES)), "run `make pictures`"
    for name in PICTURES:
        size = files[file_name(name)]
        most = 200_000 if name in PHOTOS else 60_000
        assert size <= most, f"{file_name(name)} has {size} bytes"
    text = "".join(path.read_text() for path in ROOT.rglob("*.md"))
    assert {name for _, name in IMAGE.findall(text)} == set(PICTURES)


def test_a_picture_comes_out_the_same(tmp_path):
    """Drawn by the library as it is now, without a date or random names."""
    from docs.pictures.__main__ import draw

    [path] = draw(["maxout"], tmp_path)
    again = path.read_bytes()
    [path] = draw(["maxout"], tmp_path)
    assert path.read_bytes() == again
    assert b"<svg" in again
