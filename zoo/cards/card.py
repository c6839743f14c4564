"""The card of a weight file: where it comes from and how to use it."""

import dataclasses
import json
import os
import reprlib
import types
import typing
from pathlib import Path

CHANNELS = ("RGB", "BGR", "gray")
FLIPS = ("none", "concat", "sum", "max")
DISTANCES = ("l2", "squared-l2", "cosine")
MEASUREMENT = {"protocol", "value", "std", "command", "date"}


@dataclasses.dataclass(frozen=True)
class Card:
    """What is known of one weight file; one JSON file in `zoo/cards`.

    A card is *finished* if its weights are known. Weights that may not be
    handed on have an unfinished card: it says how to get and convert them,
    and `keras-hypersphere convert … --card` finishes it in the cache.

    Args:
        name: `architecture` or `architecture.recipe`.
        description: One line.
        architecture: The function of `keras_hypersphere.zoo` that builds
            the network, such as `"DlibResNet"`.
        arguments: Further arguments of that function, such as
            `{"variant": "caffe"}`.
        narrow: By what the published widths are divided: 1 for the network
            itself, more for a miniature.
        parameters: Number of weights of the network.
        source: Where the original comes from, in words.
        source_url: Its page.
        source_package: Package and version that holds the original file.
        source_file: The original file.
        source_bytes: Its size, 0 if it is not known.
        source_sha256: Its hash, `""` if it is not known.
        weights_file: Our file, in `zoo/weights`, the cache, or beside the
            card.
        weights_url: Where it may be downloaded, or `""`.
        weights_bytes: Its size, 0 if the card is not finished.
        weights_sha256: Its hash, or `""`.
        weights_dtype: The type in which it stores numbers.
        weights_command: The command that made it.
        licence: Name of the licence of the weights.
        licence_url: Its text.
        training_data: What the network was trained on.
        input_shape: (height, width, channels) of a crop.
        channels: `"RGB"`, `"BGR"` or `"gray"`.
        mean: What is subtracted from the values 0 to 255 of each channel.
        scale: By what the difference is multiplied.
        template: Name in `alignment.TEMPLATES` of the crop, or `"none"`
            where crops are no aligned faces.
        flip: What is done with the embeddings of crop and mirrored crop:
            `"none"` (no mirrored crop), `"concat"`, `"sum"` or `"max"`.
        feature_layer: The layer that gives the embedding.
        dim: Numbers in an embedding, after `flip`.
        distance: `"l2"`, `"squared-l2"` or `"cosine"` (1 - cosine).
        threshold: Two faces below this distance are the same person; 0
            where that is not known.
        published: Published results: protocol, value, source.
        measured: Our results: protocol, value, std, command, date.
        storage_effect: What storing in `weights_dtype` changes, measured.
        golden_seed: `numpy.random.default_rng(seed).integers(0, 256,
            input_shape)` is the golden crop.
        golden_output: Its embedding; empty if the card is not finished.
        notes: What a user must know besides.

    Raises:
        ValueError: If a field has another type or an impossible value.
    """

    name: str
    description: str
    architecture: str
    arguments: dict
    narrow: int
    parameters: int
    source: str
    source_url: str
    source_package: str
    source_file: str
    source_bytes: int
    source_sha256: str
    weights_file: str
    weights_url: str
    weights_bytes: int
    weights_sha256: str
    weights_dtype: str
    weights_command: str
    licence: str
    licence_url: str
    training_data: str
    input_shape: tuple[int, ...]
    channels: str
    mean: tuple[float, ...]
    scale: float
    template: str
    flip: str
    feature_layer: str
    dim: int
    distance: str
    threshold: float
    published: tuple[dict, ...]
    measured: tuple[dict, ...]
    storage_effect: str
    golden_seed: int
    golden_output: tuple[float, ...]
    notes: str

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, list):
                value = tuple(value)
            if field.type is float and type(value) is int:
                value = float(value)
            if not fits(value, field.type):
                raise ValueError(
                    f"`{field.name}` of a card must be {words(field.type)}. "
                    f"Received: {field.name}={reprlib.repr(value)}"
                )
            object.__setattr__(self, field.name, value)
        for name, allowed in (
            ("channels", CHANNELS),
            ("flip", FLIPS),
            ("distance", DISTANCES),
        ):
            require(self, name, getattr(self, name) in allowed, allowed)
        count = len(self.mean)
        require(
            self,
            "input_shape",
            len(self.input_shape) == 3 and min(self.input_shape) > 0,
            "(height, width, channels)",
        )
        wanted = 1 if self.channels == "gray" else 3
        require(self, "mean", count == wanted, f"{wanted} numbers")
        require(
            self, "input_shape", self.input_shape[2] == wanted, f"{wanted} last"
        )
        for name in ("parameters", "dim", "narrow"):
            require(self, name, getattr(self, name) > 0, "positive")
        require(self, "threshold", self.threshold >= 0, "0 or more")
        for file in ("source", "weights"):
            self._check_file(file)
        require(
            self,
            "weights_file",
            self.weights_file == Path(self.weights_file).name != "",
            "a file name without a folder",
        )
        reachable = self.weights_url.startswith(("https://", "http://"))
        require(
            self,
            "weights_url",
            self.weights_url == "" or (self.finished and reachable),
            "empty, or an http address and weights_sha256 its file's",
        )
        numbers = self.dim if self.finished else 0
        require(
            self,
            "golden_output",
            len(self.golden_output) == numbers,
            f"{numbers} numbers",
        )
        for result in self.measured:
            require(
                self,
                "measured",
                set(result) == MEASUREMENT,
                f"objects of {', '.join(sorted(MEASUREMENT))}",
            )

    def _check_file(self, file: str) -> None:
        """Size and hash of a file are both known, or neither is."""
        name = f"{file}_sha256"
        digest = getattr(self, name)
        good = len(digest) == 64 and set(digest) <= set("0123456789abcdef")
        require(
            self,
            name,
            good or not digest,
            "64 lower-case hexadecimal digits, or empty",
        )
        size = getattr(self, f"{file}_bytes")
        expected = "positive" if digest else f"0 without {name}"
        known = size > 0 if digest else size == 0
        require(self, f"{file}_bytes", known, expected)

    @property
    def finished(self) -> bool:
        """Whether the weights are known: file, hash, golden output."""
        return self.weights_sha256 != ""

    @classmethod
    def load(cls, path: "str | os.PathLike") -> "Card":
        """Reads a card from a JSON file and checks every field.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no JSON object, or a field is unknown,
                missing or invalid; the message names the file.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no card '{path}'.")
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls.from_dict(data)
        except ValueError as error:
            raise ValueError(f"The card '{path}' is invalid: {error}") from None

    @classmethod
    def from_dict(cls, data: dict) -> "Card":
        """Makes a card of the object in a JSON file."""
        if not isinstance(data, dict):
            raise ValueError("a JSON object was expected")
        names = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(data) - set(names))
        missing = [name for name in names if name not in data]
        if unknown or missing:
            raise ValueError(
                f"unknown fields: {', '.join(unknown) or 'none'}; "
                f"missing fields: {', '.join(missing) or 'none'}"
            )
        return cls(**data)

    def as_dict(self) -> dict:
        """Plain values, as in the JSON file."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def save(self, path: "str | os.PathLike") -> None:
        """Writes the card as JSON, long lists of numbers on one line."""
        path = Path(path)
        lines = [
            f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
            for name, value in self.as_dict().items()
        ]
        part = path.with_name(path.name + ".part")
        part.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        os.replace(part, path)


def require(card: Card, name: str, holds: bool, expected: object) -> None:
    """Raises if a field does not hold what was expected."""
    if not holds:
        if isinstance(expected, tuple):
            expected = f"one of {', '.join(expected)}"
        raise ValueError(
            f"`{name}` of a card must be {expected}. "
            f"Received: {name}={reprlib.repr(getattr(card, name))}"
        )


def fits(value: object, kind: object) -> bool:
    """Whether a value has the type of a field."""
    if isinstance(kind, types.GenericAlias):
        item = typing.get_args(kind)[0]
        return isinstance(value, tuple) and all(
            fits(float(x) if item is float and type(x) is int else x, item)
            for x in value
        )
    return type(value) is kind


def words(kind: object) -> str:
    """The type of a field in words."""
    names = {
        str: "text",
        int: "an integer",
        float: "a number",
        dict: "an object",
    }
    if isinstance(kind, types.GenericAlias):
        return f"a list of {names[typing.get_args(kind)[0]].split()[-1]}s"
    return names[kind]
