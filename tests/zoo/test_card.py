import json

import pytest

from keras_hypersphere.zoo.card import Card
from keras_hypersphere.zoo.registry import CARDS, get_card, list_models

NAMES = list_models()


def data():
    return get_card("dlib-resnet").as_dict()


@pytest.mark.parametrize("name", NAMES)
def test_cards_of_the_zoo(name):
    card = get_card(name)
    assert card.name == name
    assert card.licence and card.licence_url.startswith("https://")
    assert card.published and card.measured
    for result in card.measured:
        assert 0 < result["value"] <= 1 and result["command"]
    assert card.threshold > 0


@pytest.mark.parametrize("name", NAMES)
def test_round_trip(name, tmp_path):
    card = get_card(name)
    card.save(tmp_path / "card.json")
    assert Card.load(tmp_path / "card.json") == card
    # The command that writes the card writes the bytes that are committed.
    written = (tmp_path / "card.json").read_bytes()
    assert written == (CARDS / f"{name}.json").read_bytes()
    assert not list(tmp_path.glob("*.part"))


def test_cards_cannot_be_changed():
    with pytest.raises(AttributeError):
        get_card("dlib-resnet").threshold = 1.0


def test_unknown_and_missing_fields(tmp_path):
    wrong = data()
    wrong["treshold"] = wrong.pop("threshold")
    path = tmp_path / "card.json"
    path.write_text(json.dumps(wrong))
    with pytest.raises(
        ValueError,
        match=r"card\.json' is invalid: unknown fields: treshold; missing "
        r"fields: threshold$",
    ):
        Card.load(path)


@pytest.mark.parametrize("text", ["{", "[]", "null", "\x00"])
def test_other_files(tmp_path, text):
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"card\.json' is invalid"):
        Card.load(path)
    with pytest.raises(FileNotFoundError, match="no card"):
        Card.load(tmp_path / "nope.json")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("threshold", "0.6", "a number"),
        ("threshold", -0.1, "0 or more"),
        ("parameters", 1.5, "an integer"),
        ("parameters", True, "an integer"),
        ("mean", [1.0], "3 numbers"),
        ("mean", ["a", "b", "c"], "a list of numbers"),
        ("mean", 5.0, "a list of numbers"),
        ("channels", "rgb", "RGB, BGR, gray"),
        ("narrow", 0, "positive"),
        ("arguments", [], "an object"),
        ("weights_bytes", 0, "positive"),
        ("source_sha256", "", "0 without source_sha256"),
        ("weights_sha256", "", "0 without weights_sha256"),
        ("flip", "both", "none, concat, sum, max"),
        ("distance", "euclid", "l2, squared-l2, cosine"),
        ("input_shape", [150, 150], "height, width, channels"),
        ("input_shape", [150, 150, 1], "3 last"),
        ("weights_sha256", "abc", "64 lower-case"),
        ("weights_file", "../x.npz", "without a folder"),
        ("weights_file", "", "without a folder"),
        ("golden_output", [0.5], "128 numbers"),
        ("measured", [{"value": 1.0}], "command, date, protocol, std, value"),
        ("notes", None, "text"),
    ],
)
def test_impossible_values(field, value, message):
    with pytest.raises(ValueError, match=f"of a card must be .*{message}"):
        Card.from_dict({**data(), field: value})


def test_whole_numbers_are_numbers():
    card = Card.from_dict({**data(), "threshold": 1, "mean": [1, 2, 3.5]})
    assert card.threshold == 1.0 and isinstance(card.threshold, float)
    assert card.mean == (1, 2, 3.5)


def test_names_of_the_zoo():
    assert "dlib-resnet" in NAMES == sorted(NAMES)
    assert list_models("dlib*") == ["dlib-resnet"]
    assert list_models("zzz*") == []


def test_unknown_name_lists_close_ones():
    with pytest.raises(ValueError, match=r"'dlib_resnet'.*mean dlib-resnet\?"):
        get_card("dlib_resnet")
    with pytest.raises(ValueError, match=r"'zzz'.*The zoo has: dlib-resnet"):
        get_card("zzz")
