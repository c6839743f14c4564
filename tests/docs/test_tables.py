"""What the pages tell from the code and the cards is up to date."""

from pathlib import Path

import pytest

from docs.tables import TABLES, replace
from keras_hypersphere.zoo.cards.registry import get_card, list_models

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


def test_every_card_is_told_of():
    text = (DOCS / "models.md").read_text()
    for name in list_models():
        card = get_card(name)
        assert f"`{name}`" in text or f"## {name}\n" in text
        for result in (*card.published, *card.measured):
            assert f"{100 * result['value']:.2f}" in text
