"""Downloads weight files into the cache."""

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import keras

from keras_hypersphere.zoo.card import Card
from keras_hypersphere.zoo.checksum import mismatch


def download(card: Card, folder: Path) -> Path:
    """Downloads the weights of a card.

    Keras writes straight to the final path and leaves a wrong file there.
    So it writes into a folder of its own beside it, and only what is right
    is moved, at once: another process sees the whole file or none.

    Args:
        card: A card with a `weights_url`.
        folder: Where the file goes; made if it is not there.

    Returns:
        The path of the file.

    Raises:
        FileNotFoundError: If it cannot be downloaded.
        ValueError: If it is not the card's file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / card.weights_file
    with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as part:
        try:
            # Results are on stdout; Keras prints its progress there.
            with contextlib.redirect_stdout(sys.stderr):
                got = keras.utils.get_file(
                    card.weights_file,
                    card.weights_url,
                    cache_dir=part,
                    cache_subdir="",
                )
        # Keras raises a bare `Exception` for whatever the network does.
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise FileNotFoundError(
                f"The weights of {card.name} could not be downloaded: "
                f"{reason}. Try again, or get {card.weights_url} otherwise and "
                f"put it as '{card.weights_file}' (sha256 "
                f"{card.weights_sha256}) into {folder}."
            ) from error
        wrong = mismatch(Path(got), card)
        if wrong:
            raise ValueError(
                f"{card.weights_url} gave another file than the card's, which "
                f"was not kept: {wrong}. Try again; if it stays so, the file "
                "has changed there."
            )
        os.replace(got, target)
    return target
