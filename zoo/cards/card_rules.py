"""What the fields of a card may hold, each and together."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from keras_hypersphere.arguments import DISTANCES
from keras_hypersphere.zoo.cards.fields import fits, impossible, words

CHOICES = {
    "channels": ("RGB", "BGR", "gray"),
    "flip": ("none", "concat", "sum", "max"),
    "distance": DISTANCES,
}
RESULTS = {
    "published": {"protocol": str, "value": float, "source": str},
    "measured": {
        "protocol": str,
        "value": float,
        "std": float,
        "command": str,
        "date": str,
    },
}
RATE = {"threshold", "far", "frr"}
# The fields of a card, by name.
Values = Mapping[str, Any]


def check(card: Values) -> None:
    """Raises `ValueError` if a field of a card has an impossible value.

    Args:
        card: The fields of a `Card` by their names, of the right types.
    """

    def require(name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise impossible(name, card[name], expected)

    for name in ("name", "weights_file"):
        value = card[name]
        plain = value == Path(value).name != ""
        require(name, plain, f"a {name.split('_')[-1]} without a folder")
    for name, allowed in CHOICES.items():
        known = card[name] in allowed
        require(name, known, f"one of {', '.join(allowed)}")
    for name in ("licence", "architecture", "feature_layer"):
        require(name, card[name].strip() != "", "some text")
    size = len(card["input_shape"]) == 3 and min(card["input_shape"]) > 0
    require("input_shape", size, "(height, width, channels)")
    channels = 1 if card["channels"] == "gray" else 3
    require("mean", len(card["mean"]) == channels, f"{channels} numbers")
    require(
        "input_shape", card["input_shape"][2] == channels, f"{channels} last"
    )
    require("dim", card["dim"] > 0, "positive")
    for name in ("parameters", "threshold", "golden_seed", "classes"):
        require(name, card[name] >= 0, "0 or more")
    require("scale", card["scale"] != 0, "a number other than 0")
    check_files(card, require)
    numbers = card["dim"] if card["weights_sha256"] else 0
    count = len(card["golden_output"])
    require("golden_output", count == numbers, f"{numbers} numbers")
    for name, keys in RESULTS.items():
        for result in card[name]:
            check_result(name, result, keys)
    check_rates(card, require)


def check_files(card: Values, require: Callable) -> None:
    """Sizes and hashes fit each other: both are known, or neither is."""
    for name, digits in (
        ("source_sha256", 64),
        ("source_git_blob", 40),
        ("weights_sha256", 64),
    ):
        digest = card[name]
        good = len(digest) == digits and set(digest) <= set("0123456789abcdef")
        expected = f"{digits} lower-case hexadecimal digits, or empty"
        require(name, good or not digest, expected)
    for file in ("source", "weights"):
        size, name = card[f"{file}_bytes"], f"{file}_sha256"
        if card[name]:
            require(f"{file}_bytes", size > 0, "positive")
        elif file == "source" and card["source_git_blob"]:
            require("source_bytes", size >= 0, "0 or more")
        else:
            require(f"{file}_bytes", size == 0, f"0 without {name}")
    require(
        "source_identified",
        not card["source_identified"] or card["source_sha256"] != "",
        "false without source_sha256",
    )
    reachable = card["weights_url"].startswith(("https://", "http://"))
    require(
        "weights_url",
        card["weights_url"] == "" or (card["weights_sha256"] and reachable),
        "empty, or an http address and weights_sha256 its file's",
    )


def check_result(name: str, result: dict, keys: Mapping[str, type]) -> None:
    """Raises `ValueError` if a result is none."""
    if set(result) != set(keys):
        raise impossible(name, result, f"objects of {', '.join(sorted(keys))}")
    for key, kind in keys.items():
        value = result[key]
        if not fits(value, kind) or value == "":
            raise impossible(f"{key} of {name}", value, words(kind))
        if kind is float and not 0 <= value <= 1:
            raise impossible(f"{key} of {name}", value, "a fraction, 0 to 1")


def check_rates(card: Values, require: Callable) -> None:
    """A larger threshold accepts more and rejects less."""
    for rate in card["rates"]:
        good = set(rate) == RATE and all(
            fits(value, float) and value >= 0 for value in rate.values()
        )
        if not good or max(rate["far"], rate["frr"]) > 1:
            raise impossible(
                "rates", rate, "objects of far, frr (fractions) and threshold"
            )
    for name, sign in (("threshold", 1), ("far", 1), ("frr", -1)):
        values = [sign * rate[name] for rate in card["rates"]]
        require("rates", values == sorted(values), "ordered by threshold")
