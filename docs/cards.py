"""What docs/zoo.md and docs/models.md tell of the zoo, from its cards."""

from collections.abc import Callable

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.registry import get_card, list_models

MINIATURE = ".miniature"
DISTANCES = {
    "l2": "Euclidean",
    "squared-l2": "squared Euclidean",
    "cosine": "1 - cosine",
}
FLIPS = {
    "none": "not used",
    "concat": "its embedding is put behind the crop's",
    "sum": "its embedding is added to the crop's",
    "max": "the larger of both, number by number",
}


def chosen(wanted: Callable[[Card], bool]) -> list[Card]:
    """Cards of models that know faces, by name."""
    names = [name for name in list_models() if not name.endswith(MINIATURE)]
    return [card for card in map(get_card, names) if wanted(card)]


def table(head: str, rows: list[list[str]]) -> str:
    """A Markdown table; `head` names the columns between commas."""
    columns = head.split(", ")
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def ready() -> str:
    """Models whose weights come with the package or are downloaded."""
    return table(
        "name, embedding, crop, distance; threshold, LFW published, "
        "LFW measured, weights, licence",
        [
            [
                f"[`{card.name}`](models.md#{anchor(card)})",
                str(card.dim),
                crop(card),
                f"{DISTANCES[card.distance]}; {threshold(card)}",
                best(card.published),
                "; ".join(map(percent, card.measured)) or "not measured",
                f"{card.weights_bytes / 1e6:.0f} MB",
                card.licence,
            ]
            for card in chosen(lambda card: card.finished)
        ],
    )


def to_fetch() -> str:
    """Models whose weights only their authors hand out."""
    return table(
        "name, file, its page, licence, embedding, LFW published",
        [
            [
                f"[`{card.name}`](models.md#{anchor(card)})",
                card.source_file,
                f"[{card.source_url.removeprefix('https://github.com/')}]"
                f"({card.source_url})",
                card.licence,
                str(card.dim),
                best(card.published),
            ]
            for card in chosen(lambda card: not card.finished)
        ],
    )


def pages() -> str:
    """All cards in full, and the names of the miniatures."""
    small = [name for name in list_models() if name.endswith(MINIATURE)]
    return "\n".join(
        [
            *map(page, chosen(lambda card: True)),
            "## Miniatures\n",
            "Narrow networks with random weights from a seed, to test "
            "loading and preprocessing; they know no faces:",
            ", ".join(f"`{name}`" for name in small) + ".\n",
        ]
    )


def page(card: Card) -> str:
    """A card in full."""
    facts = {
        "network": f"`{card.architecture}`, {card.parameters:,} parameters",
        "crop": f"{crop(card)}, template `{card.template}`",
        "preprocessing": f"{card.channels}, (x - {mean(card)}) * "
        f"{card.scale:.6g}",
        "mirrored crop": FLIPS[card.flip],
        "embedding": f"{card.dim:,} numbers, of the layer "
        f"`{card.feature_layer}`",
        "distance": DISTANCES[card.distance],
        "threshold": threshold(card),
        "trained on": card.training_data,
        "weights": f"{card.source}: `{card.source_file}`, <{card.source_url}>",
        "licence": f"[{card.licence}]({card.licence_url})",
        "made by": f"`{card.weights_command}`",
        "stored as": f"{card.weights_dtype}{stored(card)}",
        "notes": card.notes,
    }
    rows = [[what, said] for what, said in facts.items()]
    rows += [
        ["published", f"{percent(one)}: {one['protocol']} (<{one['source']}>)"]
        for one in card.published
    ]
    rows += [
        [
            "measured",
            f"{percent(one)}: {one['protocol']} ({one['date']}, "
            f"`{one['command']}`)",
        ]
        for one in card.measured
    ]
    title = f"## {card.name}\n\n{card.description}\n\n"
    return title + table("field, value", rows)


def anchor(card: Card) -> str:
    """Where a card stands in docs/models.md."""
    return card.name.replace(".", "")


def crop(card: Card) -> str:
    """Height x width."""
    return " x ".join(map(str, card.input_shape[:2]))


def mean(card: Card) -> str:
    """One number, or one for each channel."""
    numbers = list(dict.fromkeys(card.mean))
    said = ", ".join(f"{number:g}" for number in numbers)
    return said if len(numbers) == 1 else f"({said})"


def stored(card: Card) -> str:
    """What the type of the stored numbers changes, if anything."""
    if card.storage_effect.startswith("none"):
        return ""
    return f"; {card.storage_effect}"


def threshold(card: Card) -> str:
    """The number, or that none is known."""
    return f"{card.threshold:g}" if card.threshold else "not known"


def best(results: tuple[dict, ...]) -> str:
    """The highest of some results."""
    if not results:
        return "nothing"
    return percent(max(results, key=lambda one: one["value"]))


def percent(result: dict) -> str:
    """A result in percent, with the deviation of its folds if known."""
    spread = f" ± {100 * result['std']:.2f}" if "std" in result else ""
    return f"{100 * result['value']:.2f}{spread} %"
