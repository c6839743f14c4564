"""Lists the pretrained models of the zoo, or shows their cards.

One line a model: those that are ready, then those that need a file of their
authors' first. With a PATTERN that fits a single model, its whole card:
source, licence, crop, threshold, published and measured accuracy.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from keras_hypersphere.tools.commands.document import ManyFailures, document
from keras_hypersphere.tools.commands.embedder_arguments import add_json

if TYPE_CHECKING:
    from keras_hypersphere.zoo.cards.card import Card

HELP = "the pretrained models and their cards"
# Too long to read, and of use to programs only.
LONG = ("golden_output",)
GROUPS = {
    "ready": "Ready:",
    "unfinished": "To be converted from the authors' file, once; "
    "`keras-hypersphere models NAME` says how:",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the words of `models`."""
    parser.add_argument(
        "pattern",
        nargs="?",
        default="*",
        metavar="PATTERN",
        help="names to show, such as 'dlib*' (default: all)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the cards that fit the pattern. Returns 1 if one is invalid."""
    from keras_hypersphere.zoo import list_models

    names = list_models(arguments.pattern)
    if not names:
        raise ValueError(
            f"No model fits the pattern {arguments.pattern!r}. "
            f"The zoo has: {', '.join(list_models())}."
        )
    cards, failures = read_cards(names)
    for why in failures.values():
        print(f"warning: {why}", file=sys.stderr)
    if not cards:
        raise ManyFailures(
            f"No card that fits the pattern {arguments.pattern!r} can be "
            "read: see the warnings.",
            failures,
        )
    if arguments.json:
        results = [card.as_dict() for card in cards]
        print(document("models", results, failures))
    elif len(cards) == 1 and arguments.pattern != "*":
        print(page(cards[0]))
    else:
        print(listing(cards))
    return 1 if failures else 0


def read_cards(names: list[str]) -> "tuple[list[Card], dict[str, str]]":
    """The cards, and of several why some of them are invalid.

    What the package itself has is shown even if the cache has something
    invalid in its place.
    """
    from keras_hypersphere.zoo import get_card
    from keras_hypersphere.zoo.cards.registry import packaged_card

    cards = []
    failures = {}
    for name in names:
        try:
            cards.append(get_card(name))
        except (ValueError, OSError) as error:
            packaged = packaged_card(name)
            if len(names) == 1 and packaged is None:
                raise
            failures[name] = str(error)
            cards += [packaged] if packaged else []
    return cards, failures


def group_of(card: "Card") -> str:
    """Where a card stands in the list."""
    return "ready" if card.finished else "unfinished"


def listing(cards: "list[Card]") -> str:
    """A model on a line, group by group."""
    lines = []
    width = max(len(card.name) for card in cards)
    for group, title in GROUPS.items():
        members = [card for card in cards if group_of(card) == group]
        if members:
            lines.append(title)
            lines += [
                f"  {card.name:<{width}}  {facts(card, group)}"
                for card in members
            ]
    return "\n".join(lines)


def facts(card: "Card", group: str) -> str:
    """A model on one line."""
    if group == "unfinished":
        words = [f"{card.source_file} of {card.source_url}"]
    else:
        words = [card.licence, size(card.weights_bytes)]
    if group == "ready":
        best = max((m["value"] for m in card.measured), default=None)
        said = "not measured" if best is None else f"{best:.2%} measured"
        words.append(said)
        if not is_original(card):
            words.append("original file not identified")
    return "  ".join([*words, card.description])


def is_original(card: "Card") -> bool:
    """Whether the weights are those that the card's source speaks of."""
    return card.source_identified or not card.source_file


def size(count: int) -> str:
    """Bytes, for people."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def page(card: "Card") -> str:
    """A whole card: a field a line, a result a line."""
    fields = card.as_dict()
    width = max(map(len, fields)) + 2
    lines = []
    for name, value in fields.items():
        if isinstance(value, bool):
            value = "yes" if value else "no"
        if name in LONG and value:
            value = f"{len(value)} numbers (see --json)"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = f"\n{' ' * width}".join(
                "; ".join(f"{k} {v}" for k, v in item.items()) for item in value
            )
        elif isinstance(value, list):
            value = ", ".join(map(str, value)) or "none"
        elif isinstance(value, dict):
            value = ", ".join(f"{k}={v!r}" for k, v in value.items())
        lines.append(f"{name:<{width}}{value or unknown(name)}")
    if not card.finished:
        lines += [
            "",
            f"Get {card.source_file} and its prototxt from {card.source_url}, "
            "then run once:",
            f"  {card.weights_command}",
        ]
    return "\n".join(lines)


def unknown(name: str) -> str:
    """How a field without a value reads."""
    known = (
        "threshold",
        "_bytes",
        "_sha256",
        "_blob",
        "golden_output",
        "parameters",
        "classes",
    )
    return "not known" if name.endswith(known) else "none"
