"""The names of the zoo: `list_models`, `get_card`."""

import difflib
import fnmatch
import os
from pathlib import Path

from keras_hypersphere.zoo.cards.cache import cache_folder
from keras_hypersphere.zoo.cards.card import Card

CARDS = Path(__file__).parent
# What people get who name no model.
DEFAULT_MODEL = "sface"


def list_models(pattern: str = "*") -> list[str]:
    """Lists the names of the weights that the zoo knows.

    Args:
        pattern: A shell pattern, such as `"dlib*"`. Default: all.

    Returns:
        The names, `architecture` or `architecture.recipe`: first those that
        are ready to use, the default model at their head, then those whose
        weights must be fetched. Cards that lie in the cache (see `get_card`)
        are ready.

    Raises:
        ValueError: If the pattern is no text.

    Example:

    >>> kh.zoo.list_models("dlib*")
    ['dlib-resnet']
    """
    if not isinstance(pattern, str):
        raise ValueError(
            "`pattern` must be a shell pattern, such as 'dlib*'. "
            f"Received: pattern={pattern!r}"
        )
    own = names_in(cache_folder())
    cards = {card.name: card for card in packaged_cards()}
    # `packaged_cards` is in order; what the cache has stands where it is ready.
    ready = [name for name, card in cards.items() if card.finished]
    rest = [name for name in cards if name not in own and name not in ready]
    names = [*ready, *sorted(own - set(ready)), *rest]
    return [name for name in names if fnmatch.fnmatch(name, pattern)]


def known_names() -> set[str]:
    """All names of `list_models`, without reading a card."""
    return names_in(CARDS) | names_in(cache_folder())


def names_in(folder: Path) -> set[str]:
    """The names of the cards in a folder."""
    return {path.stem for path in folder.glob("*.json")}


def packaged_cards() -> list[Card]:
    """The cards that come with the package, whatever the cache has.

    In the order of `list_models`. Some are not finished: see `Card`.
    """
    return sorted(
        (Card.load(path) for path in CARDS.glob("*.json")),
        key=lambda card: (
            card.name != DEFAULT_MODEL,
            not card.finished,
            card.name,
        ),
    )


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

    Example:

    >>> card = kh.zoo.get_card("sface")
    >>> card.input_shape, card.dim, card.distance
    ((112, 112, 3), 128, 'cosine')
    """
    if not isinstance(name, str) or name not in known_names():
        names = list_models()
        close = difflib.get_close_matches(str(name), names, n=3, cutoff=0.4)
        advice = (
            f"Did you mean {', '.join(close)}?"
            if close
            else f"The zoo has: {', '.join(names)}."
        )
        raise ValueError(f"There is no model {name!r} in the zoo. {advice}")
    card = packaged_card(name)
    own = cache_folder() / f"{name}.json"
    if card is None or (not card.finished and os.path.lexists(own)):
        if not own.is_file():
            raise ValueError(
                f"The card '{own}' is invalid: it is a folder or a link to "
                "nothing. Delete it."
            )
        card = Card.load(own)
    if card.name != name:
        raise ValueError(
            f"The card '{own}' must have the name of its file. "
            f"Received: name={card.name!r}"
        )
    return card


def packaged_card(name: str) -> Card | None:
    """The card of a name that comes with the package, if there is one."""
    path = CARDS / f"{name}.json"
    return Card.load(path) if path.is_file() else None


def is_packaged(card: Card) -> bool:
    """Whether the weights of a card come with the package or by its URL."""
    packaged = packaged_card(card.name)
    return packaged is not None and packaged.finished
