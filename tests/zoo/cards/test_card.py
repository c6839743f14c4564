import dataclasses
import json

import numpy as np
import pytest

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.registry import (
    CARDS,
    DEFAULT_MODEL,
    get_card,
    known_names,
    list_models,
    packaged_card,
    packaged_cards,
)
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input

NAMES = sorted(path.stem for path in CARDS.glob("*.json"))


def data():
    return get_card("dlib-resnet").as_dict()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    folder = tmp_path / "home" / "models" / "keras_hypersphere"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_cards_of_the_zoo(name):
    card = get_card(name)
    assert card.name == name
    assert card.licence and card.licence_url.startswith("https://")
    assert card.source and card.training_data and card.description
    for result in card.measured:
        assert 0 < result["value"] <= 1 and result["command"]
    assert card.source_url.startswith("https://")
    for result in card.published:
        assert 0.5 < result["value"] < 1 and result["protocol"]
        assert result["source"].startswith("https://")
    assert card.published
    if card.finished:
        assert card.measured and card.threshold > 0 and card.source_identified
    else:
        assert card.weights_command.startswith("keras-hypersphere convert ")
        assert card.weights_command.endswith(f".caffemodel --card {name}")
        assert not card.measured and card.weights_file == f"{name}.npz"


@pytest.mark.parametrize(
    ("name", "x", "shape"),
    [
        # Of the pixel (255, 0, 51): BGR, gray by 0.299, 0.587, 0.114.
        ("sphereface20", [-0.59765625, -0.99609375, 0.99609375], (112, 96, 3)),
        ("centerface", [-0.59765625, -0.99609375, 0.99609375], (112, 96, 3)),
        ("centerface.normface", [-0.6015625, -1.0, 0.9921875], (112, 96, 3)),
        ("lightcnn-a", [82.059 / 256], (128, 128, 1)),
        ("lightcnn-b", [82.059 / 256], (128, 128, 1)),
        ("lightcnn-9", [82.059 / 255], (128, 128, 1)),
        ("lightcnn-b.normface", [82.059 / 255], (128, 128, 1)),
    ],
)
def test_preprocessing_is_the_authors(name, x, shape):
    card = get_card(name)
    assert card.input_shape == shape
    pixel = np.array([[[255, 0, 51]]], np.uint8)
    np.testing.assert_allclose(preprocess_input(pixel, card)[0, 0], x, 1e-6)


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


def test_widths_of_older_cards():
    card = Card.from_dict({**data(), "narrow": 4, "arguments": {"weights": 0}})
    assert card.arguments == {"weights": 0, "width": 0.25}
    assert Card.from_dict({**data(), "narrow": 1}) == Card.from_dict(data())


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


def rate(threshold=0.5, far=0.1, frr=0.2, **more):
    return {"threshold": threshold, "far": far, "frr": frr, **more}


def published(**fields):
    return {"protocol": "LFW", "value": 0.9, "source": "x", **fields}


def measured(**fields):
    rest = {"protocol": "LFW", "command": "c", "date": "d"}
    return {**rest, "value": 0.9, "std": 0.0, **fields}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("threshold", "0.6", "a finite number"),
        ("threshold", -0.1, "0 or more"),
        ("parameters", 1.5, "an integer"),
        ("parameters", True, "an integer"),
        ("mean", [1.0], "3 numbers"),
        ("mean", ["a", "b", "c"], "a list of finite numbers"),
        ("mean", 5.0, "a list of finite numbers"),
        ("channels", "rgb", "RGB, BGR, gray"),
        ("arguments", [], "an object"),
        ("weights_bytes", 0, "positive"),
        ("source_sha256", "", "0 without source_sha256"),
        ("weights_sha256", "", "0 without weights_sha256"),
        ("flip", "both", "none, concat, sum, max"),
        ("distance", "euclid", "cosine, l2, squared-l2"),
        ("input_shape", [150, 150], "height, width, channels"),
        ("input_shape", [150, 150, 1], "3 last"),
        ("weights_sha256", "abc", "64 lower-case"),
        ("weights_file", "../x.npz", "without a folder"),
        ("weights_file", "", "without a folder"),
        ("golden_output", [0.5], "128 numbers"),
        ("measured", [{"value": 1.0}], "command, date, protocol, std, value"),
        ("notes", None, "text"),
        ("scale", float("nan"), "a finite number"),
        ("scale", 0.0, "other than 0"),
        ("mean", [float("inf")] * 3, "a list of finite numbers"),
        ("threshold", float("inf"), "a finite number"),
        ("golden_output", [float("nan")] * 128, "a list of finite numbers"),
        ("golden_seed", -1, "0 or more"),
        ("classes", -1, "0 or more"),
        ("licence", " ", "some text"),
        ("feature_layer", "", "some text"),
        ("name", "", "a name without a folder"),
        ("name", "../x", "a name without a folder"),
        ("published", ["LFW"], "a list of objects"),
        ("published", [{"a": 1}], "objects of protocol, source, value"),
        ("published", [published(value="98 %")], "a finite number"),
        ("published", [published(value=98.0)], "a fraction, 0 to 1"),
        ("published", [published(source="")], "text"),
        ("measured", [measured(value="high")], "a finite number"),
        ("measured", [measured(std=float("nan"))], "a finite number"),
        ("rates", [1.0], "a list of objects"),
        ("rates", [{"far": 0.1, "frr": 0.1}], "objects of far, frr"),
        ("rates", [rate(more=1)], "objects of far, frr"),
        ("rates", [rate(far="1 %")], "objects of far, frr"),
        ("rates", [rate(frr=float("nan"))], "objects of far, frr"),
        ("rates", [rate(far=1.5)], "objects of far, frr"),
        ("rates", [rate(threshold=-0.1)], "objects of far, frr"),
        ("rates", [rate(0.6), rate(0.5)], "ordered by threshold"),
        ("rates", [rate(0.5, 0.2), rate(0.6, 0.1)], "ordered by threshold"),
        (
            "rates",
            [rate(0.5, frr=0.1), rate(0.6, frr=0.2)],
            "ordered by threshold",
        ),
        ("source_git_blob", "abc", "40 lower-case"),
        ("source_identified", 1, "true or false"),
    ],
)
def test_impossible_values(field, value, message):
    with pytest.raises(ValueError, match=f"of a card must be .*{message}"):
        Card.from_dict({**data(), field: value})


def test_whole_numbers_are_numbers():
    card = Card.from_dict({**data(), "threshold": 1, "mean": [1, 2, 3.5]})
    assert card.threshold == 1.0 and isinstance(card.threshold, float)
    assert card.mean == (1, 2, 3.5)


@pytest.mark.parametrize("url", ["ftp://x/y", "file:///etc/passwd", "y.npz"])
def test_addresses(url):
    with pytest.raises(ValueError, match="`weights_url` of a card must be"):
        Card.from_dict({**data(), "weights_url": url})
    card = Card.from_dict({**data(), "weights_url": "https://x/y.npz"})
    assert card.weights_url == "https://x/y.npz"


UNKNOWN = {
    "weights_sha256": "",
    "weights_bytes": 0,
    "golden_output": [],
    "source_sha256": "",
    "source_bytes": 0,
    "source_identified": False,
}


def test_finished_or_not():
    card = Card.from_dict({**data(), **UNKNOWN})
    assert not card.finished and Card.from_dict(data()).finished
    for field in ("weights_bytes", "golden_output"):
        with pytest.raises(ValueError, match=f"`{field}` of a card must be"):
            Card.from_dict({**data(), **UNKNOWN, field: data()[field]})
    with pytest.raises(ValueError, match="`weights_url`"):
        Card.from_dict({**data(), **UNKNOWN, "weights_url": "https://x/y"})


def test_the_original_by_its_git_blob():
    """Its size is known or not."""
    blob = {"source_git_blob": "0" * 40}
    for size in (0, 5):
        fields = {**UNKNOWN, **blob, "source_bytes": size}
        assert Card.from_dict({**data(), **fields}).source_bytes == size
    with pytest.raises(ValueError, match="false without source_sha256"):
        Card.from_dict({**data(), **UNKNOWN, **blob, "source_identified": True})


def test_what_older_cards_have_not():
    """Presets that were written before a field was there are read."""
    older = data()
    for field in ("source_git_blob", "source_identified", "classes", "rates"):
        del older[field]
    card = Card.from_dict(older)
    assert card.source_git_blob == "" and card.classes == 0
    assert card.rates == ()
    assert card.source_identified is False


def test_a_card_of_other_weights():
    card = get_card("dlib-resnet")
    card = dataclasses.replace(card, rates=(rate(),))
    tuned = card.fine_tuned(name="mine", threshold=0.4)
    assert not tuned.finished and tuned.threshold == 0.4
    assert tuned.source == f"fine-tuned from dlib-resnet, {card.source}"
    assert tuned.training_data == f"{card.training_data}; then fine-tuned"
    assert not (tuned.published or tuned.measured or tuned.notes)
    assert not tuned.rates
    assert not (tuned.source_sha256 or tuned.source_file)
    for field in ("licence", "source_url", "mean", "template", "distance"):
        assert getattr(tuned, field) == getattr(card, field)
    again = tuned.fine_tuned()
    assert again.source == tuned.source and again.threshold == 0
    assert again.training_data == tuned.training_data


def test_names_of_the_zoo():
    assert {"dlib-resnet", "sphereface20"} < set(NAMES)
    assert sorted(list_models()) == NAMES
    assert list_models("dlib-r*t") == ["dlib-resnet"]
    assert list_models("zzz*") == []
    with pytest.raises(ValueError, match=r"`pattern` .* pattern=None"):
        list_models(None)
    assert [card.name for card in packaged_cards()] == list_models()


def test_what_is_ready_comes_first(cache):
    names = list_models()
    assert names[:2] == ["sface", "dlib-resnet"] == [DEFAULT_MODEL, names[1]]
    assert names[2:] == sorted(names[2:])
    card = get_card("dlib-resnet")
    for name in ("sphereface20", "aaa", "sface"):
        dataclasses.replace(card, name=name).save(cache / f"{name}.json")
    rest = [name for name in names[2:] if name != "sphereface20"]
    ready = ["sface", "dlib-resnet", "aaa", "sphereface20"]
    assert list_models() == [*ready, *rest]
    assert known_names() == {*ready, *rest}


def test_rates_are_a_table_of_errors():
    rates = [rate(0.4, 0.0, 0.3), rate(0.5, 0.1, 0.2), rate(1.5, 1, 0)]
    card = Card.from_dict({**data(), "rates": rates})
    assert list(card.rates) == rates
    assert Card.from_dict(card.as_dict()) == card


@pytest.mark.parametrize(
    ("name", "threshold", "far", "frr"),
    [("sface", 0.637, 0.000833, 0.015), ("dlib-resnet", 0.6, 0.00653, 0.023)],
)
def test_rates_of_the_models(name, threshold, far, frr):
    """Of its threshold there is a row, and rows of much smaller far."""
    card = get_card(name)
    assert card.threshold == threshold
    rows = {row["threshold"]: row for row in card.rates}
    assert rows[threshold] == rate(threshold, far, frr)
    assert 10 <= len(rows) <= 30
    assert card.rates[0]["far"] < 1e-6 and card.rates[-1]["far"] > 0.5


def test_unknown_name_lists_close_ones():
    with pytest.raises(ValueError, match=r"'dlib_resnet'.*mean dlib-resnet"):
        get_card("dlib_resnet")
    with pytest.raises(ValueError, match=r"'zzz'.*The zoo has: .*dlib-resnet"):
        get_card("zzz")


def test_cards_in_the_cache(cache):
    """An unfinished card may be finished there; there may be others."""
    card = dataclasses.replace(
        get_card("dlib-resnet"), name="sphereface20", description="mine"
    )
    card.save(cache / "sphereface20.json")
    assert get_card("sphereface20") == card
    # The zoo's own weights are not to be replaced.
    dataclasses.replace(card, name="dlib-resnet").save(
        cache / "dlib-resnet.json"
    )
    assert get_card("dlib-resnet").description != "mine"
    own = dataclasses.replace(card, name="my.net")
    own.save(cache / "my.net.json")
    assert list_models("my*") == ["my.net"] and get_card("my.net") == own
    assert list_models().count("sphereface20") == 1
    assert not packaged_card("sphereface20").finished
    assert packaged_card("my.net") is None
    assert "my.net" not in [card.name for card in packaged_cards()]


def test_invalid_cards_in_the_cache(cache):
    (cache / "bad.json").write_text("{")
    with pytest.raises(ValueError, match=r"bad\.json' is invalid"):
        get_card("bad")
    get_card("dlib-resnet").save(cache / "other.json")
    with pytest.raises(ValueError, match=r"other\.json' must have the name of"):
        get_card("other")
    assert "other" in list_models()


@pytest.mark.parametrize("name", ["mine", "sphereface20"])
def test_no_file_at_all_in_the_cache(name, cache):
    (cache / f"{name}.json").mkdir()
    with pytest.raises(ValueError, match=rf"{name}\.json' is invalid: it is a"):
        get_card(name)
    (cache / f"{name}.json").rmdir()
    (cache / f"{name}.json").symlink_to(cache / "nothing")
    with pytest.raises(ValueError, match="a link to nothing"):
        get_card(name)
