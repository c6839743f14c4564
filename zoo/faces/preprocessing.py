"""Aligned crops become the input of a network, and that embeddings."""

from collections.abc import Callable

import numpy as np

from keras_hypersphere.zoo.cards.card import Card

# The weights of ITU-R BT.601, as OpenCV and Matlab turn RGB into gray.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def preprocess_input(images: np.ndarray, card: Card) -> np.ndarray:
    """Turns RGB crops into the input of the card's network.

        output = (input - mean) * scale

    in the card's channel order.

    Args:
        images: `(height, width, 3)` or `(batch, height, width, 3)`, RGB,
            values 0 to 255 of any number type.
        card: The card: see `get_card`.

    Returns:
        float32 array of the same rank, with the card's channels.

    Raises:
        ValueError: If the shape is not as above.
    """
    images = np.asarray(images)
    if images.ndim not in (3, 4) or images.shape[-1] != 3:
        raise ValueError(
            "`images` must have the shape (height, width, 3) or (batch, "
            f"height, width, 3), RGB. Received: shape={images.shape}"
        )
    x = images.astype(np.float32)
    if card.channels == "BGR":
        x = x[..., ::-1]
    elif card.channels == "gray":
        x = (x @ LUMA)[..., None]
    return (x - np.asarray(card.mean, np.float32)) * np.float32(card.scale)


def embed_crops(
    crops: np.ndarray, network: Callable[[np.ndarray], np.ndarray], card: Card
) -> np.ndarray:
    """Embeds crops and, where the card says so, their mirror images."""
    front = network(preprocess_input(crops, card))
    if card.flip == "none":
        return front
    mirrored = network(preprocess_input(crops[:, :, ::-1], card))
    if card.flip == "concat":
        return np.concatenate([front, mirrored], axis=1)
    if card.flip == "sum":
        return front + mirrored
    return np.maximum(front, mirrored)
