import html.parser
import json
import re

import numpy as np
import pytest

from keras_hypersphere.tools.training.curves import drawings
from keras_hypersphere.tools.training.log import read_log, write_row
from keras_hypersphere.tools.training.page import warning, write_page
from keras_hypersphere.version import __version__


class Tags(html.parser.HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def run(trained, tmp_path):
    """A copy of a log, and the files that the subcommand writes."""
    for row in read_log(trained[0]):
        write_row(tmp_path, row)
    recipe = {"name": "a<b", "epochs": 7, "head": "ASoftmax"}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    classes = {"classes": ["Ann", "Bob", "Eve"], "held_out": ["Jim", "Joe"]}
    (tmp_path / "classes.json").write_text(json.dumps(classes))
    (tmp_path / "command.txt").write_text("keras-hypersphere train <data>\n")
    return tmp_path


def test_training_writes_it(trained):
    run, made = trained
    text = (run / "index.html").read_text()
    assert f"<b>{made['presets'].best_epoch}</b><span>best epoch" in text
    auc = max(row["val_auc"] for row in read_log(run))
    assert f"<b>{auc:.4f}</b><span>AUC of held-out pairs" in text
    best = read_log(run)[made["presets"].best_epoch - 1]["val_accuracy"]
    label = "accuracy at the card&#x27;s threshold"
    assert f"<b>{best:.2%}</b><span>{label}" in text
    assert "patches of color" in text
    assert "epoch-000" in text


def test_says_what_it_was(run):
    text = write_page(run).read_text()
    assert "<title>a&lt;b: training</title>" in text
    assert "3 of 7 epochs, 3 people, 2 people held out" in text
    assert "<pre>keras-hypersphere train &lt;data&gt;</pre>" in text
    assert "ASoftmax" in text
    assert f"keras-hypersphere {__version__}, 20" in text
    # It can be sent to anyone.
    assert not re.search("Ann|Bob|Eve|Jim|Joe", text)


def test_one_file(run):
    tags = Tags(write_page(run).read_text())
    assert not tags.of("img")
    assert not tags.of("link")
    assert not tags.of("script")
    for _, attributes in tags.found:
        assert "src" not in attributes
        link = attributes.get("href") or attributes.get("xlink:href")
        # Markers and clips of the same drawing.
        assert link is None or link.startswith("#")


def test_can_be_read_aloud(run):
    text = write_page(run).read_text()
    tags = Tags(text)
    assert all(th["scope"] in ("row", "col") for th in tags.of("th"))
    drawn = tags.of("svg")
    assert len(drawn) == 10
    assert all(svg["role"] == "img" for svg in drawn)
    losses = [row["loss"] for row in read_log(run)]
    assert drawn[0]["aria-label"].startswith(
        f"Loss. trained on: {losses[0]:.4g} in epoch 1, {losses[-1]:.4g} in "
        "epoch 3, lowest"
    )
    assert tags.of("html")[0]["lang"] == "en"


def test_dark_mode(run):
    text = write_page(run).read_text()
    assert "prefers-color-scheme: dark" in text
    body = text[text.index("<body>") :]
    # Every color of a drawing is one of the page.
    assert not re.search("#[0-9a-f]{6}", body)
    assert body.count("currentColor") > 10
    assert "var(--first)" in body


def test_empty_run(tmp_path):
    assert "No epoch is done yet." in write_page(tmp_path).read_text()


def test_without_validation(tmp_path):
    write_row(tmp_path, {"epoch": 1, "loss": 2.0})
    text = write_page(tmp_path).read_text()
    assert "<b>1</b><span>last epoch" in text
    assert "AUC" not in text


def test_long_log(tmp_path):
    for epoch in range(1, 60):
        write_row(tmp_path, {"epoch": epoch, "loss": 1000.0 + epoch})
    text = write_page(tmp_path).read_text()
    shown = re.findall("<td class=n>(10[0-9]{2})", text)
    assert shown == [str(1000 + e) for e in (*range(1, 11), *range(50, 60))]
    assert "The first and the last 10 of 59 epochs" in text


def test_equal_drawings_are_equal():
    rows = [{"epoch": float(i), "annealing": 10.0**-i} for i in range(1, 5)]
    [one], [other] = drawings(rows), drawings(rows)
    assert one == other
    assert "<h3>λ of the margin</h3>" in one
    assert "λ: 0.1 in epoch 1, 0.0001 in epoch 4" in one


def test_nan_is_left_out():
    rows = [
        {"epoch": 1.0, "val_auc": np.nan},
        {"epoch": 2.0, "val_auc": 0.75},
        {"epoch": 3.0},
    ]
    [drawn] = drawings(rows)
    assert "AUC: 75.00% in epoch 2, 75.00% in epoch 2" in drawn


def test_no_validation_is_said_before_there_is_a_card():
    assert "There was no validation" in warning([{"loss": 1.0}])
    assert "chosen on these pairs" in warning([{"val_auc": 0.9}])
