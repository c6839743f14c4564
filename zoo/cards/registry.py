"""The names of the zoo: `list_models`, `get_card`."""

import difflib
import fnmatch
from pathlib import Path

from keras_hypersphere.zoo.cards.cache import cache_folder
from keras_hypersphere.zoo.cards.card import Card

CARDS = Path(__file__).parent


def list_models(pattern: str = "*") -> list[str]:
    """Lists the names of the weights that the zoo knows.

    Args:
        pattern: A shell pattern, such as `"dlib*"`. Default: all.

    Returns:
        The names, sorted: `architecture` or `architecture.recipe`. Those of
        cards that lie in the cache (see `get_card`) are among them.
    """
    folders = (CARDS, cache_folder())
    names = {path.stem for folder in folders for path in folder.glob("*.json")}
    return fnmatch.filter(sorted(names), pattern)


def get_card(name: str) -> Card:
    """Returns the card of a name.

    The zoo's own card comes first. If that is not finished, or there is
    none, it is the card `NAME.json` in the cache: `keras-hypersphere convert
    … --card` puts one there, and so may you.

    Args:
        name: A name of `list_models()`.

    Returns:
        The card.

    Raises:
        ValueError: If there is no such name, and the message lists close
            ones; or if the card is invalid.
    """
    names = list_models()
    if name not in names:
        close = difflib.get_close_matches(str(name), names, n=3, cutoff=0.4)
        advice = (
            f"Did you mean {', '.join(close)}?"
            if close
            else f"The zoo has: {', '.join(names)}."
        )
        raise ValueError(f"There is no model {name!r} in the zoo. {advice}")
    packaged = CARDS / f"{name}.json"
    card = Card.load(packaged) if packaged.is_file() else None
    own = cache_folder() / f"{name}.json"
    if (card is None or not card.finished) and own.is_file():
        card = Card.load(own)
    if card.name != name:
        raise ValueError(
            f"The card '{own}' must have the name of its file. "
            f"Received: name={card.name!r}"
        )
    return card


def is_packaged(card: Card) -> bool:
    """Whether the weights of a card come with the package or by its URL."""
    packaged = CARDS / f"{card.name}.json"
    return packaged.is_file() and Card.load(packaged).finished
