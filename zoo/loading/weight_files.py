"""Finds weight files and checks them; needs no Keras."""

import os
from pathlib import Path

from keras_hypersphere.zoo.cards.cache import cache_folder
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.registry import (
    get_card,
    is_packaged,
    known_names,
)
from keras_hypersphere.zoo.loading.checksum import mismatch

PACKAGED = Path(__file__).parents[1] / "weights"
SUFFIXES = (".weights.h5", ".keras", ".npz", ".onnx")
# Of files that people have of weights, and of nothing a card is named.
OTHERS = (".h5", ".hdf5", ".pb", ".pt", ".pth", ".ckpt", ".prototxt")


def locate(
    weights: "str | os.PathLike", architecture: str | None = None
) -> Path:
    """The file that is meant, before there is a model to load it into.

    Args, errors: As `weights.load_weights`; what the file holds is not looked
    at.
    """
    if suffix_of(weights) is not None:
        path = Path(weights)
        require_file(path)
        return path
    if is_path(weights):
        kinds = (
            f"It must end in {', '.join(SUFFIXES)}, or as the network's "
            "original does (.dat, .caffemodel)."
        )
        if not Path(weights).exists():
            raise FileNotFoundError(
                f"There is no weights file '{weights}'. {kinds}"
            )
        raise ValueError(
            "`weights` must be the name of a card or a file of weights. "
            f"{kinds} Received: weights='{weights}'"
        )
    card = get_card(str(weights))
    if architecture not in (None, card.architecture):
        raise ValueError(
            f"`weights` must be of {architecture}. Received: "
            f"weights={weights!r}, which is of {card.architecture}"
        )
    return find_weights(card)


def is_path(weights: "str | os.PathLike") -> bool:
    """Whether a file or folder is meant, not the name of a card."""
    text = os.fspath(weights)
    return (
        isinstance(weights, os.PathLike)
        or os.sep in text
        or text.lower().endswith((*SUFFIXES, *OTHERS))
        or (Path(text).exists() and text not in known_names())
    )


def call_of(card: Card) -> str:
    """The call that builds the network of a card."""
    arguments = {**card.arguments, "input_shape": card.input_shape}
    words = (f"{name}={value!r}" for name, value in arguments.items())
    return f"{card.architecture}({', '.join(words)})"


def require_file(path: Path) -> None:
    """Raises `FileNotFoundError` if there is no such file."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no weights file '{path}'.")


def suffix_of(weights: "str | os.PathLike") -> str | None:
    """The suffix if it is a file of weights, else None."""
    lower = str(weights).lower()
    return next((s for s in SUFFIXES if lower.endswith(s)), None)


def find_weights(card: Card, folder: "Path | None" = None) -> Path:
    """Returns the path of a card's file, after checking its hash.

    Args:
        card: The card.
        folder: A folder to look into alone. Default: None, the package's
            folder and then the cache, into which the file is downloaded
            where the card says from where.

    Raises:
        FileNotFoundError: If no folder has the file, or the card is not
            finished: the message says how to get the weights.
        ValueError: If its hash is not the card's.
    """
    if not card.finished:
        raise FileNotFoundError(how_to_finish(card))
    folders = [PACKAGED, cache_folder()] if folder is None else [folder]
    for place in folders:
        path = place / card.weights_file
        if path.is_file():
            wrong = mismatch(path, card)
            if wrong:
                raise ValueError(
                    f"'{path}' is damaged or another file: {wrong}. Delete "
                    f"it and {fix(card, folder)}."
                )
            return path
    if folder is None and card.weights_url:
        # Keras downloads it.
        from keras_hypersphere.zoo.loading.download import download

        return download(card, cache_folder())
    raise FileNotFoundError(
        f"The weights of {card.name} are missing: no '{card.weights_file}' "
        f"(sha256 {card.weights_sha256}) in "
        f"{' or '.join(str(place) for place in folders)}. Put it there, or "
        f"{fix(card, folder)}."
    )


def how_to_finish(card: Card) -> str:
    """Where the weights of an unfinished card come from, in one line."""
    return (
        f"The weights of {card.name} are not in this package. Their licence: "
        f"{card.licence} ({card.licence_url}). Get {card.source_file} from "
        f"{card.source_url}, and convert it once: {card.weights_command}"
    )


def fix(card: Card, folder: "Path | None") -> str:
    """What gives a lost file again."""
    if folder is not None:
        return "write or fetch that folder again"
    if card.weights_url:
        return "load the model again, which downloads it"
    if is_packaged(card):
        return "install keras-hypersphere again"
    return f"make it again: {card.weights_command}"
