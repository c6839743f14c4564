"""What docs/zoo.md and docs/models.md tell of the zoo, from its cards."""

from collections.abc import Callable

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.registry import packaged_cards

# It ends no cell of a table.
BAR = r"\|"
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
    """Cards of the package, in the order of `list_models`."""
    return [card for card in packaged_cards() if wanted(card)]


def table(head: str, rows: list[list[str]]) -> str:
    """A Markdown table; `head` names the columns between commas."""
    columns = head.split(", ")
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |\n"
        for cells in lines
    )


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
    """All cards in full."""
    return "\n".join(map(page, chosen(lambda card: True)))


def page(card: Card) -> str:
    """A card in full; what is not known is left out."""
    facts = {
        "network": call(card),
        "parameters": f"{card.parameters:,}",
        "crop": f"{crop(card)} x {card.input_shape[2]}, template "
        f"`{card.template}`",
        "preprocessing": f"{card.channels}, (x - {mean(card)}) * "
        f"{card.scale:.6g}",
        "mirrored crop": FLIPS[card.flip],
        "embedding": f"{card.dim:,} numbers, of the layer "
        f"`{card.feature_layer}`",
        "distance": DISTANCES[card.distance],
        "threshold": threshold(card),
        "trained on": card.training_data,
        "classifier": f"{card.classes:,} people" if card.classes else "",
        "source": f"{card.source}, <{card.source_url}>",
        "source package": code(card.source_package),
        "source file": file(card, "source"),
        "source git blob": code(card.source_git_blob),
        "source identified": "yes" if card.source_identified else "",
        "licence": f"[{card.licence}]({card.licence_url})",
        "weights file": file(card, "weights"),
        "weights at": card.weights_url and f"<{card.weights_url}>",
        "made by": code(card.weights_command),
        "stored as": f"{card.weights_dtype}{stored(card)}",
        "golden crop": f"noise from the seed {card.golden_seed}",
        "notes": card.notes,
    }
    rows = [[what, said] for what, said in facts.items() if said]
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
    rows += [
        [
            f"threshold {rate['threshold']:g}",
            f"accepts {100 * rate['far']:.3g} % of different people, rejects "
            f"{100 * rate['frr']:.3g} % of the same",
        ]
        for rate in card.rates
    ]
    title = f"## {card.name}\n\n{card.description}\n\n"
    return title + table("field, value", rows)


def call(card: Card) -> str:
    """The function of the network and its arguments."""
    words = [f"{name}={value!r}" for name, value in card.arguments.items()]
    return code(f"{card.architecture}({', '.join(words)})")


def file(card: Card, kind: str) -> str:
    """Name, size and hash of a file, as far as they are known."""
    size = getattr(card, f"{kind}_bytes")
    digest = getattr(card, f"{kind}_sha256")
    words = [code(getattr(card, f"{kind}_file"))]
    words += [f"{size:,} bytes"] if size else []
    words += [f"sha256 {code(digest)}"] if digest else []
    return ", ".join(words)


def code(text: str) -> str:
    """Literal text; nothing if it is empty."""
    return f"`{text}`" if text else ""


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
