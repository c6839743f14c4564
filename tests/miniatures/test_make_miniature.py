"""`python -m tests.miniatures`: the same bytes again."""

import dataclasses

import pytest

from keras_hypersphere.zoo.cards.card import Card
from tests.miniatures.__main__ import main
from tests.miniatures.miniature import FOLDER

NAME = "sphereface4.miniature"


def test_the_same_bytes(tmp_path, capsys):
    assert main([NAME, "-o", str(tmp_path / "made")]) == 0
    card = Card.load(FOLDER / f"{NAME}.json")
    said = f"{card.weights_sha256}  {card.weights_file}\n"
    assert capsys.readouterr().out == said
    made = {path.name: path for path in (tmp_path / "made").iterdir()}
    assert set(made) == {f"{NAME}.npz", f"{NAME}.json"}
    for name, path in made.items():
        assert path.read_bytes() == (FOLDER / name).read_bytes()
    # The command in the card is the one that made it.
    assert card.weights_command.split()[3:] == [NAME, "--seed", "7"]


def test_another_seed(tmp_path):
    assert main([NAME, "--seed", "8", "-o", str(tmp_path)]) == 0
    card = Card.load(tmp_path / f"{NAME}.json")
    known = Card.load(FOLDER / f"{NAME}.json")
    assert card.weights_command.endswith("--seed 8")
    changed = {
        field.name
        for field in dataclasses.fields(Card)
        if getattr(card, field.name) != getattr(known, field.name)
    }
    assert changed == {
        "source",
        "weights_sha256",
        "weights_command",
        "golden_seed",
        "golden_output",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sphereface4"], "no miniature 'sphereface4'"),
        ([NAME, "--seed", "-1"], "--seed must be 0 or more, not -1"),
        ([NAME, "--seed", "x"], "argument --seed"),
    ],
)
def test_wrong_usage(words, message, capsys):
    with pytest.raises(SystemExit) as done:
        main(words)
    assert done.value.code == 2
    assert message in capsys.readouterr().err


def test_output_that_is_a_file(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert main([NAME, "-o", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert (tmp_path / "file").read_text() == "mine"
