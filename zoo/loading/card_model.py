"""Keras models of cards."""

import importlib
import inspect
import os
from pathlib import Path
from typing import Any

import keras

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.loading.weights import load_file


def make_model(card: Card, path: Path) -> keras.Model:
    """The network of a card with the weights of its file.

    It computes in float32 whatever the global policy is: embeddings in half
    precision are others. A network to train in mixed precision is built by
    its function, such as `SFace(weights="sface")`.
    """
    if path.suffix == ".keras":
        return load_model(path)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        model = build(card)
    finally:
        keras.config.set_dtype_policy(policy)
    load_file(model, path)
    return model


def load_model(path: Path) -> keras.Model:
    """Loads a whole model, without any code in its file.

    A hash tells that the file is the card's, not that either is harmless.
    """
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    # Keras raises many kinds, on many lines.
    except Exception as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"'{path}' cannot be loaded: {first[0]}") from error


def build(
    card: Card, weights: "str | os.PathLike | None" = None
) -> keras.Model:
    """Builds the network of a card.

    Args:
        card: The card.
        weights: As its function takes them. Default: None, random ones.

    Raises:
        ValueError: If the zoo has no such network, or the weights do not
            fit it.
    """
    zoo = importlib.import_module("keras_hypersphere.zoo")
    found: Any = getattr(zoo, card.architecture, None)
    if not is_backbone(found):
        known = [
            name for name in zoo.__all__ if is_backbone(getattr(zoo, name))
        ]
        raise ValueError(
            f"The card {card.name} names the architecture "
            f"{card.architecture!r}; known are: {', '.join(known)}."
        )
    arguments = {
        **card.arguments,
        "weights": weights,
        "input_shape": card.input_shape,
    }
    try:
        inspect.signature(found).bind(**arguments)
    except TypeError as error:
        raise ValueError(
            f"The card {card.name} does not fit {card.architecture}: {error}."
        ) from None
    return found(**arguments)


def is_backbone(found: object) -> bool:
    """Whether something of the zoo is a function that builds a network."""
    return inspect.isfunction(found) and found.__name__[0].isupper()
