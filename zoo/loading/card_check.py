"""Whether a network is the one that a card describes."""

from typing import TYPE_CHECKING

from keras_hypersphere.zoo.alignment.templates import get_template
from keras_hypersphere.zoo.cards.card import Card

if TYPE_CHECKING:
    import keras


def check_model(model: "keras.Model", card: Card) -> None:
    """Refuses a network that does not fit its card.

    Raises:
        ValueError: It says what was expected, and what was found.
    """
    merged = 2 if card.flip == "concat" else 1
    size = card.input_shape
    if card.template != "none":
        size = (*get_template(card.template).size, card.input_shape[2])
    for name, found, expected in (
        ("input", tuple(model.input_shape[1:]), card.input_shape),
        ("output", tuple(model.output_shape[1:]), (card.dim // merged,)),
        ("template", size, card.input_shape),
    ):
        if found != expected:
            raise ValueError(
                f"`model` does not fit the card {card.name}: {name} of "
                f"the shape {expected} was expected. Received: {found}"
            )
    if card.parameters not in (0, model.count_params()):
        raise ValueError(
            f"`model` does not fit the card {card.name}: "
            f"{card.parameters:,} parameters were expected. Received: "
            f"{model.count_params():,}; a card of yours may say 0, not "
            "known"
        )
    if card.feature_layer not in [layer.name for layer in model.layers]:
        raise ValueError(
            f"`model` does not fit the card {card.name}: a layer "
            f"{card.feature_layer!r}, which gives the embedding, was "
            f"expected. Received: a last layer {model.layers[-1].name!r}"
        )
