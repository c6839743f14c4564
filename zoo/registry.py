"""The names of the zoo: `list_models`, `get_card`."""

import difflib
import fnmatch
from pathlib import Path

from keras_hypersphere.zoo.card import Card

CARDS = Path(__file__).parent / "cards"


def list_models(pattern: str = "*") -> list[str]:
    """Lists the names of the weights that the zoo knows.

    Args:
        pattern: A shell pattern, such as `"dlib*"`. Default: all.

    Returns:
        The names, sorted: `architecture` or `architecture.recipe`.
    """
    names = sorted(path.stem for path in CARDS.glob("*.json"))
    return fnmatch.filter(names, pattern)


def get_card(name: str) -> Card:
    """Returns the card of a name.

    Args:
        name: A name of `list_models()`.

    Returns:
        The card.

    Raises:
        ValueError: If there is no such name; the message lists close ones.
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
    return Card.load(CARDS / f"{name}.json")
