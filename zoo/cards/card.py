"""The card of a weight file: where it comes from and how to use it."""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.zoo.cards.card_rules import check
from keras_hypersphere.zoo.cards.fields import typed


@dataclasses.dataclass(frozen=True, kw_only=True)
class Card:
    """What is known of one weight file; one JSON file in `zoo/cards`.

    A card is *finished* if its weights are known. Weights that may not be
    redistributed have an unfinished card: it says how to get and convert them,
    and `keras-hypersphere convert … --card` finishes it in the cache.

    Args:
        name: `architecture` or `architecture.recipe`.
        description: One line.
        architecture: The function of `keras_hypersphere.zoo` that builds
            the network, such as `"DlibResNet"`.
        arguments: Further arguments of that function, such as
            `{"variant": "caffe"}`.
        parameters: Number of weights of the network, 0 if it is not known.
        source: Where the original comes from, in words.
        source_url: Its page.
        source_package: Package and version that holds the original file.
        source_file: The original file.
        source_bytes: Its size, 0 if it is not known.
        source_sha256: Its hash, `""` if it is not known.
        source_git_blob: Its id in a git repository, the SHA-1 of `blob`, its
            size and its bytes, as `git hash-object` gives it. Default:
            `""`, not known.
        source_identified: Whether the weights were made of the original
            file: one of these two was known before it was read. If not,
            what was published may be of other weights. Default: False.
        weights_file: Our file, in `zoo/weights`, the cache, or next to the
            card.
        weights_url: Where it may be downloaded, or `""`.
        weights_bytes: Its size, 0 if the card is not finished.
        weights_sha256: Its hash, or `""`.
        weights_dtype: The type in which it stores numbers.
        weights_command: The command that made it.
        licence: Name of the licence of the weights.
        licence_url: Its text.
        training_data: What the network was trained on.
        classes: How many people the classifier tells apart that is in the
            original file. Default: 0, not known.
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
        published: Published results: protocol, value, source. Values are
            fractions, such as 0.9938.
        measured: Our results: protocol, value, std, command, date.
        rates: The errors at thresholds, in their order, measured on LFW, or
            by the validation of a training, which `notes` then say:
            threshold, far (different people accepted as the same), frr (the
            same person rejected), fractions. Default: (), not measured.
        storage_effect: What storing in `weights_dtype` changes, measured.
        golden_seed: `numpy.random.default_rng(seed).integers(0, 256,
            input_shape)` is the golden crop.
        golden_output: Its embedding; empty if the card is not finished.
        notes: What a user must know besides.

    Raises:
        ValueError: If a field has another type or an impossible value: all
            numbers are finite, hashes and sizes fit each other, and results
            have these keys and no others.

    Example:

    >>> card = kh.zoo.get_card("dlib-resnet")
    >>> card.finished, card.architecture
    (True, 'DlibResNet')
    """

    name: str
    description: str
    architecture: str
    arguments: dict
    parameters: int
    source: str
    source_url: str
    source_package: str
    source_file: str
    source_bytes: int
    source_sha256: str
    source_git_blob: str = ""
    source_identified: bool = False
    weights_file: str
    weights_url: str
    weights_bytes: int
    weights_sha256: str
    weights_dtype: str
    weights_command: str
    licence: str
    licence_url: str
    training_data: str
    classes: int = 0
    input_shape: tuple[int, int, int]
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
    rates: tuple[dict, ...] = ()
    storage_effect: str
    golden_seed: int
    golden_output: tuple[float, ...]
    notes: str

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = typed(field.name, getattr(self, field.name), field.type)
            object.__setattr__(self, field.name, value)
        check(vars(self))

    @property
    def finished(self) -> bool:
        """Whether the weights are known: file, hash, golden output."""
        return self.weights_sha256 != ""

    def fine_tuned(self, **fields: Any) -> "Card":
        """Makes the card of the network after it was trained on.

        What was known of the weights says nothing of others: threshold,
        results, notes, hashes and the golden output are left out. How the
        network is used, the licence and where it came from stay.

        Args:
            **fields: What is known of the new weights: `name`,
                `description`, `threshold` …

        Returns:
            A card without weights; `FaceEmbedder.save_to_preset` finishes
            it.
        """
        source, data = self.source, self.training_data
        if not source.startswith("fine-tuned from "):
            source = f"fine-tuned from {self.name}, {source}"
            data = f"{data}; then fine-tuned"
        return dataclasses.replace(
            self,
            **{
                "source": source,
                "source_package": "",
                "source_file": "",
                "source_bytes": 0,
                "source_sha256": "",
                "source_git_blob": "",
                "source_identified": False,
                "weights_url": "",
                "weights_bytes": 0,
                "weights_sha256": "",
                "training_data": data,
                "classes": 0,
                "threshold": 0.0,
                "published": (),
                "measured": (),
                "rates": (),
                "storage_effect": "none: float32",
                "golden_output": (),
                "notes": "",
                **fields,
            },
        )

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
        data = dict(data)
        # Older cards say by what widths were divided.
        divided = data.pop("narrow", 1)
        if divided != 1:
            width = {"width": 1 / divided}
            data["arguments"] = {**data.get("arguments", {}), **width}
        names = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(data) - set(names))
        missing = [
            field.name
            for field in dataclasses.fields(cls)
            if field.default is dataclasses.MISSING and field.name not in data
        ]
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
        text = "{\n" + ",\n".join(lines) + "\n}\n"
        with atomic_write(path) as file:
            file.write(text.encode())
