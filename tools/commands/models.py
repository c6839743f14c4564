"""Lists the pretrained models of the zoo, or shows their cards.

One line a model. With a PATTERN that fits a single model, its whole card:
source, licence, crop, threshold, published and measured accuracy.
"""

import argparse
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_hypersphere.zoo.card import Card

HELP = "the pretrained models and their cards"
# Too long to read, and of use to programs only.
LONG = ("golden_output",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the words of `models`."""
    parser.add_argument(
        "pattern",
        nargs="?",
        default="*",
        metavar="PATTERN",
        help="names to show, such as 'dlib*' (default: all)",
    )
    parser.add_argument(
        "--json", action="store_true", help="whole cards, as a JSON list"
    )


def run(arguments: argparse.Namespace) -> int:
    """Prints the cards that fit the pattern."""
    from keras_hypersphere.zoo import get_card, list_models

    names = list_models(arguments.pattern)
    if not names:
        raise ValueError(
            f"No model fits the pattern {arguments.pattern!r}. "
            f"The zoo has: {', '.join(list_models())}."
        )
    cards = [get_card(name) for name in names]
    if arguments.json:
        print(json.dumps([card.as_dict() for card in cards], indent=2))
    elif len(cards) == 1 and arguments.pattern != "*":
        print(page(cards[0].as_dict()))
    else:
        print("\n".join(line(card) for card in cards))
    return 0


def line(card: "Card") -> str:
    """A model on one line."""
    best = max((m["value"] for m in card.measured), default=None)
    said = "not measured" if best is None else f"{best:.2%} measured"
    size = f"{card.weights_bytes / 1e6:.1f} MB"
    return f"{card.name}  {card.licence}  {size}  {said}  {card.description}"


def page(card: dict) -> str:
    """A whole card: a field a line, a result a line."""
    width = max(map(len, card)) + 2
    lines = []
    for name, value in card.items():
        if name in LONG:
            value = f"{len(value)} numbers (see --json)"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = f"\n{' ' * width}".join(
                "; ".join(f"{k} {v}" for k, v in item.items()) for item in value
            )
        elif isinstance(value, list):
            value = ", ".join(map(str, value)) or "none"
        lines.append(f"{name:<{width}}{value}")
    return "\n".join(lines)
