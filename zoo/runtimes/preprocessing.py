"""Aligned crops become the input of a network, and that embeddings."""

from collections.abc import Callable, Sequence

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

    Example:

    >>> crop = np.full((112, 96, 3), 255, "uint8")
    >>> card = kh.zoo.get_card("sphereface20")
    >>> kh.zoo.preprocess_input(crop, card).max()
    np.float32(0.99609375)
    """
    images = np.asarray(images)
    if images.ndim not in (3, 4) or images.shape[-1] != 3:
        raise ValueError(
            "`images` must have the shape (height, width, 3) or (batch, "
            f"height, width, 3), RGB. Received: shape={images.shape}"
        )
    x = in_channels(images.astype(np.float32), card)
    return (x - np.asarray(card.mean, np.float32)) * np.float32(card.scale)


def as_planes(crops: np.ndarray, card: Card) -> np.ndarray:
    """The input of the card's .onnx file, which subtracts and scales itself.

    Returns:
        `(batch, channels, height, width)` float32 array, values 0 to 255.
    """
    x = in_channels(crops.astype(np.float32), card)
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def in_channels(x: np.ndarray, card: Card) -> np.ndarray:
    """RGB in the channels of a card."""
    if card.channels == "BGR":
        return x[..., ::-1]
    return (x @ LUMA)[..., None] if card.channels == "gray" else x


def embed_crops(
    crops: "Sequence[np.ndarray] | np.ndarray",
    engine: Callable[[np.ndarray], np.ndarray],
    card: Card,
) -> np.ndarray:
    """Embeds crops and, where the card says so, their mirror images.

    Args:
        crops: RGB uint8 crops of the card's size; there may be none.
        engine: What computes the network.
        card: The card.

    Returns:
        `(crops, dim)` float32 array.
    """
    if not len(crops):
        return np.empty((0, card.dim), np.float32)
    pixels = np.stack(list(crops))
    front = engine(pixels)
    if card.flip == "none":
        return front
    mirrored = engine(pixels[:, :, ::-1])
    if card.flip == "concat":
        return np.concatenate([front, mirrored], axis=1)
    if card.flip == "sum":
        return front + mirrored
    return np.maximum(front, mirrored)
