"""Whether embeddings that two cards describe can be compared."""

from typing import Any

import numpy as np

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.golden import golden_numbers
from keras_hypersphere.zoo.cards.registry import get_card

# How far the golden embeddings of one network may differ, of their largest
# number: runtimes agree to 1e-5.
AGREEMENT = 1e-4


def embedding_facts(card: Card, golden: np.ndarray) -> dict[str, Any]:
    """What decides the embeddings of photos: plain values, for a file.

    Args:
        card: Of the network.
        golden: Its embedding of the card's golden crop.
    """
    return {
        "model": card.name,
        "model_sha256": card.weights_sha256,
        "template": card.template,
        "distance": card.distance,
        "golden_seed": card.golden_seed,
        "golden_output": list(golden_numbers(np.asarray(golden))),
    }


def require_same_embeddings(
    facts: dict[str, Any], card: Card, what: str
) -> None:
    """Refuses embeddings that cannot be compared with those of a card.

    Names do not matter: a network that was saved under another name gives
    the same embeddings.

    Args:
        facts: Those of `embedding_facts`, or `model` and `model_sha256`
            alone, as older files have them.
        card: The card.
        what: What holds the embeddings, for the message.

    Raises:
        ValueError: If the network, the crop or the distance is another.
    """
    model, digest = facts["model"], facts["model_sha256"]
    if "golden_output" not in facts and digest != card.weights_sha256:
        facts = _facts_of_the_zoo(model, digest) or facts
    for name, mine in (
        ("template", card.template),
        ("distance", card.distance),
    ):
        if facts.get(name, mine) != mine:
            raise ValueError(
                f"{what} was made with the {name} {facts[name]}, "
                f"{card.name} has {mine}. Make it again."
            )
    if facts.get("golden_output") and card.golden_output:
        same = facts["golden_seed"] == card.golden_seed and _agree(
            facts["golden_output"], card.golden_output
        )
    else:
        same = digest == card.weights_sha256
    if not same:
        raise ValueError(
            f"{what} was made with other weights of {model} "
            f"({digest[:12]}…) than {card.name} has "
            f"({card.weights_sha256[:12]}…). Make it again."
        )


def _agree(left: Any, right: Any) -> bool:
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    if left.shape != right.shape:
        return False
    # False also where a number is none.
    return bool(np.abs(left - right).max() <= AGREEMENT * np.abs(right).max())


def _facts_of_the_zoo(model: str, digest: str) -> dict[str, Any] | None:
    """Those of the zoo's card of this name, if its weights are the same."""
    try:
        card = get_card(model)
    except (ValueError, OSError):
        return None
    if card.weights_sha256 != digest or not card.golden_output:
        return None
    return embedding_facts(card, np.array(card.golden_output))
