"""What the pages tell from the code and the cards is up to date."""

import dataclasses
import re
from pathlib import Path

import pytest

from docs import cards
from docs.tables import TABLES, replace
from keras_hypersphere.zoo.cards.cache import cache_folder
from keras_hypersphere.zoo.cards.registry import (
    get_card,
    list_models,
    packaged_card,
    packaged_cards,
)

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", TABLES)
def test_the_page_is_up_to_date(page):
    assert replace(page) == (DOCS / page).read_text(), (
        "run `python -m docs.tables`"
    )


def test_an_old_page_is_seen(tmp_path, monkeypatch):
    text = (DOCS / "models.md").read_text().replace("| 1,024 numbers", "| 1")
    (tmp_path / "models.md").write_text(text)
    monkeypatch.setattr("docs.tables.FOLDER", tmp_path)
    assert replace("models.md") != text


def tables(text):
    """Tables of a page: lists of lines."""
    found = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [lines for lines in found if lines]


@pytest.mark.parametrize("page", [*TABLES, "fidelity.md"])
def test_rows_have_as_many_cells_as_their_head(page):
    """`|` ends a cell, unless it is escaped."""
    found = tables((DOCS / page).read_text())
    assert found
    for lines in found:
        head = len(re.split(r"(?<!\\)\|", lines[0]))
        for line in lines:
            assert len(re.split(r"(?<!\\)\|", line)) == head, line


def test_no_word_of_a_card_is_lost():
    notes = packaged_card("lightcnn-9").notes
    assert "|" in notes
    assert notes.replace("|", "\\|") in (DOCS / "models.md").read_text()


def page_of(card):
    """Its part of docs/models.md."""
    text = (DOCS / "models.md").read_text()
    return text.split(f"## {card.name}\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("card", packaged_cards(), ids=lambda card: card.name)
def test_every_card_is_told_of(card):
    said = page_of(card)
    for result in (*card.published, *card.measured):
        assert f"{100 * result['value']:.2f}" in said
        for word in ("protocol", "source", "command", "date"):
            assert result.get(word, "") in said
    for name, value in card.as_dict().items():
        if isinstance(value, str):
            known = cards.FLIPS if name == "flip" else {}
            known = cards.DISTANCES if name == "distance" else known
            word = known.get(value, value).replace("|", "\\|")
            assert word in said or word.startswith("none"), name
    for number in (card.parameters, card.source_bytes, card.weights_bytes):
        assert not number or f"{number:,}" in said
    assert str(card.golden_seed) in said


def test_cards_of_the_developer_stay_out():
    """One that is not the zoo's, and one that is finished here."""
    cache = cache_folder()
    cache.mkdir(parents=True)
    for name in ("mine", "sphereface20"):
        card = dataclasses.replace(packaged_card("dlib-resnet"), name=name)
        card.save(cache / f"{name}.json")
    assert get_card("sphereface20").finished and "mine" in list_models()
    for page in TABLES:
        assert replace(page) == (DOCS / page).read_text()
