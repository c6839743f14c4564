"""Whether a weight file is the one that its card describes."""

import hashlib
from pathlib import Path

from keras_hypersphere.zoo.cards.card import Card


def mismatch(path: Path, card: Card) -> str | None:
    """What is wrong with a file, or None if it is the card's."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest == card.weights_sha256:
        return None
    return (
        f"it has {path.stat().st_size} bytes, sha256 {digest}; the card "
        f"{card.name} expects {card.weights_bytes} bytes, sha256 "
        f"{card.weights_sha256}"
    )
