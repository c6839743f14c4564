"""The files in the root that people and machines look for."""

import re

from keras_hypersphere.version import __version__
from tests.docs.blocks import ROOT

LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


def test_the_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {__version__}\n" in text
    papers = re.split(r"\n  - type: ", text)[1:]
    for paper in papers:
        for field in ("title", "authors", "year", "family-names"):
            assert re.search(rf"^ +(- )?{field}:", paper, re.M), paper


def test_links_of_the_root_lead_somewhere():
    for page in ("README.md", "CONTRIBUTING.md", "SECURITY.md"):
        for link in LINK.findall((ROOT / page).read_text()):
            assert (ROOT / link).exists(), f"{page}: {link}"


def test_make_targets_that_are_named_exist():
    targets = set(
        re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.M)
    )
    for page in ("README.md", "CONTRIBUTING.md", "docs/start.md"):
        text = (ROOT / page).read_text()
        for words in re.findall(
            r"(?:^|`)make ([\w -]+?)(?:`|  |$)", text, re.M
        ):
            assert set(words.split()) <= targets | {"LFW"}, words


def test_places_that_are_named_exist():
    place = re.compile(
        r"`((?:tools|zoo|tests|docs|keras_hypersphere)/[\w/.-]+)`"
    )
    for page in ("adding-a-backbone", "adding-a-layer-type", "extending"):
        for path in place.findall((ROOT / "docs" / f"{page}.md").read_text()):
            assert (ROOT / path).exists(), f"{page}: {path}"
    for path in place.findall((ROOT / "CONTRIBUTING.md").read_text()):
        assert (ROOT / path).exists(), path
