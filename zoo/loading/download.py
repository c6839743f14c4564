"""Downloads weight files into the cache."""

import contextlib
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.loading.checksum import mismatch

# Seconds without a byte after which a download has failed.
PATIENCE = 60.0
# All threads share standard output and the patience of sockets.
LOCK = threading.Lock()


def download(card: Card, folder: Path) -> Path:
    """Downloads the weights of a card.

    Keras writes straight to the final path and leaves a wrong file there.
    So it writes into a folder of its own next to it, and only what is right
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
    with (
        LOCK,
        tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as part,
    ):
        # Another thread may have been faster.
        if target.is_file() and not mismatch(target, card):
            return target
        try:
            # Results are on stdout; Keras prints its progress there.
            with contextlib.redirect_stdout(sys.stderr), patience():
                import keras

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


@contextlib.contextmanager
def patience() -> Iterator[None]:
    """Lets new sockets give up: Keras would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
