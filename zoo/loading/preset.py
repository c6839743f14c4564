"""Presets: a model and its card, by name or in a folder."""

import dataclasses
import hashlib
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.golden import golden_numbers
from keras_hypersphere.zoo.cards.registry import (
    get_card,
    known_names,
    list_models,
)
from keras_hypersphere.zoo.loading.hub import SCHEME, fetch_preset
from keras_hypersphere.zoo.loading.network import Network
from keras_hypersphere.zoo.loading.weight_files import find_weights

if TYPE_CHECKING:
    import keras

CARD_FILE = "card.json"
MODEL_FILE = "model.keras"
# A model whose golden embedding moved further, of its range, was trained on.
SAME_MODEL = 1e-3


def open_preset(preset: "str | os.PathLike") -> Network:
    """Finds a card and its weights; Keras is not imported for that.

    Args:
        preset: The name of a card, a folder written by `save_preset`, or
            `hf://owner/name[@revision][/folder]`, such a folder on the
            Hugging Face Hub.

    Raises:
        ValueError: If there is no such name or folder, or a file in it is
            damaged.
        FileNotFoundError: If the folder has no card or no weights, or they
            cannot be fetched.
    """
    if not isinstance(preset, (str, os.PathLike)) or preset == "":
        raise ValueError(
            "`preset` must be the name of a model, a folder, or "
            f"{SCHEME}owner/name. Received: preset={preset!r}"
        )
    folder = None
    place = Path(preset).expanduser()
    if str(preset).startswith(SCHEME):
        folder = fetch_preset(str(preset), CARD_FILE)
        card = Card.load(folder / CARD_FILE)
    # A `Path` is a folder: `Path("./a")` is the same as `Path("a")`.
    elif isinstance(preset, str) and preset in known_names():
        card = get_card(preset)
        if (place / CARD_FILE).is_file():
            warnings.warn(
                f"{preset!r} is a model of the zoo and a folder here; the "
                f"zoo's is loaded. Write './{preset}' for the folder.",
                stacklevel=3,
            )
    elif place.is_dir():
        folder = place
        card = Card.load(folder / CARD_FILE)
    elif os.sep in str(preset) or isinstance(preset, os.PathLike):
        raise FileNotFoundError(
            f"There is no folder '{preset}'. Expected the name of a model "
            f"({', '.join(list_models())}), a folder with {CARD_FILE}, or "
            f"{SCHEME}owner/name."
        )
    else:
        card = get_card(preset)
    return Network(card, path=find_weights(card, folder))


def load_preset(
    preset: "str | os.PathLike",
) -> "tuple[keras.Model, Card]":
    """Loads a model and its card.

    Args, errors: As `open_preset`, and if a file would run code.
    """
    from keras_hypersphere.zoo.loading.card_model import make_model

    network = open_preset(preset)
    assert network.path is not None, "`find_weights` gives a path"
    return make_model(network.card, network.path), network.card


def save_preset(
    model: "keras.Model",
    card: Card,
    golden: np.ndarray,
    folder: "str | os.PathLike",
    file: str = MODEL_FILE,
    command: str = "FaceEmbedder.save_to_preset",
) -> Card:
    """Writes `model.keras` and `card.json` into a folder.

    If the weights have changed since the card was made, it is written as
    `Card.fine_tuned` gives it: without threshold, results and notes.

    Args:
        model: The model.
        card: The card it was loaded with, or a card without weights, whose
            threshold and measured results are taken to be of this model.
        golden: The model's embedding of the card's golden crop.
        folder: Made if it is not there. Its older preset is replaced.
        file: The name of the model's file. With another name than that of
            the preset before, that one is whole until the new card is there.
        command: What made it, for the card.

    Returns:
        The card that was written.

    Raises:
        ValueError: If `folder` is none, or the name of a model of the zoo,
            which `load_preset` would load instead; or if embeddings are not
            finite.
    """
    if not isinstance(folder, (str, os.PathLike)) or folder == "":
        raise ValueError(
            f"`folder` must be a path. Received: folder={folder!r}"
        )
    if os.fspath(folder) in known_names():
        raise ValueError(
            f"`folder` must not be the name of a model of the zoo, which "
            "`from_preset` would load instead: take another name, or write "
            f"'./{os.fspath(folder)}'. Received: folder='{folder}'"
        )
    folder = Path(folder).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    # Keras insists on the suffix.
    part = folder / f"part-{file}"
    if not card.finished:
        card = dataclasses.replace(card, published=())
    elif not moved(golden, card) <= SAME_MODEL:
        card = card.fine_tuned()
    try:
        model.save(part)
        card = dataclasses.replace(
            card,
            parameters=model.count_params(),
            weights_file=file,
            weights_url="",
            weights_bytes=part.stat().st_size,
            weights_sha256=hashlib.sha256(part.read_bytes()).hexdigest(),
            weights_dtype="float32",
            weights_command=command,
            storage_effect="none: float32",
            golden_output=golden_numbers(golden),
        )
        os.replace(part, folder / file)
    finally:
        part.unlink(missing_ok=True)
    card.save(folder / CARD_FILE)
    return card


def moved(golden: np.ndarray, card: Card) -> float:
    """How far an embedding is from the card's golden one, of its range."""
    expected = np.asarray(card.golden_output)
    away, size = np.abs(golden - expected).max(), np.ptp(expected)
    return float(away / size) if size else float(away > 0)
