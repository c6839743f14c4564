"""The golden crop of a card: the input whose embedding the card holds."""

import numpy as np

from keras_hypersphere.zoo.cards.card import Card


def golden_crop(card: Card) -> np.ndarray:
    """Returns the card's golden crop: noise from `golden_seed`.

    Noise depends on no picture and no decoder; a wrong channel order,
    mean, scale, padding or kernel orientation moves its embedding.

    Returns:
        `(height, width, 3)` uint8 array, RGB.
    """
    height, width, _ = card.input_shape
    generator = np.random.default_rng(card.golden_seed)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def golden_numbers(embedding: np.ndarray) -> tuple[float, ...]:
    """An embedding as cards hold it: as many digits as float32 has."""
    return tuple(float(f"{number:.7g}") for number in embedding.tolist())
