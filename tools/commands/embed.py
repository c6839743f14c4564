"""Turns photos of faces into embeddings.

Writes an .npz file: `embeddings` (photos, dim), `names`, `boxes`,
`landmarks`, `confidence`, and the `model` with its `model_sha256`. A photo
that cannot be read or shows no face is reported and left out; the rest is
written, and the exit code is 1.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_hypersphere.zoo.card import Card
    from keras_hypersphere.zoo.embedded_photos import EmbeddedPhotos

HELP = "photos to embeddings, in an .npz file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the words of `embed`."""
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO|DIR",
        help="photos; of a folder all pictures below it",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=npz_path,
        metavar="OUT.npz",
        help="the file to write",
    )
    parser.add_argument(
        "--model",
        default="dlib-resnet",
        metavar="NAME",
        help="a model of `models`, or a folder (default: %(default)s)",
    )
    parser.add_argument(
        "--choose",
        choices=("largest", "center"),
        default="largest",
        help="which of several faces (default: %(default)s)",
    )
    parser.add_argument(
        "--aligned",
        action="store_true",
        help="the photos are crops of the model's size already, see `align`",
    )


def npz_path(word: str) -> Path:
    """Reads the name of the output file."""
    if not word.lower().endswith(".npz"):
        raise argparse.ArgumentTypeError(
            f"expected a name that ends in .npz, received {word!r}"
        )
    return Path(word)


def run(arguments: argparse.Namespace) -> int:
    """Embeds the photos and writes the file."""
    from keras_hypersphere.tools.progress import Progress
    from keras_hypersphere.zoo import FaceEmbedder
    from keras_hypersphere.zoo.photo_list import name_photos

    # What can be wrong with the words is said before minutes of work.
    folder = arguments.output.parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder '{folder}' to write into. Make it first."
        )
    photos = [name for name, _ in name_photos(arguments.photos)[1]]
    embedder = FaceEmbedder.from_preset(arguments.model)
    progress = Progress(len(photos), "photos")
    found = embedder.embed(
        photos,
        details=True,
        aligned=arguments.aligned,
        choose=arguments.choose,
        errors="skip",
        progress=lambda done, _: progress.update(done),
    )
    if not found.faces:
        first = next(iter(found.failures.values()))
        rest = f" ({len(photos) - 1} more failed.)" if len(photos) > 1 else ""
        raise ValueError(f"{first}{rest}")
    write(arguments.output, found, embedder.card)
    print(f"{len(found.faces)} embeddings in {arguments.output}")
    for why in found.failures.values():
        print(f"skipped: {why}", file=sys.stderr)
    if found.failures:
        print(
            f"error: {len(found.failures)} of {len(photos)} photos have no "
            "embedding, see above; the others are written",
            file=sys.stderr,
        )
    return 1 if found.failures else 0


def write(path: Path, found: "EmbeddedPhotos", card: "Card") -> None:
    """Writes the .npz file, beside its place first."""
    import numpy as np

    arrays = {
        "embeddings": found.vectors,
        "names": np.array(found.names),
        "model": np.array(card.name),
        "model_sha256": np.array(card.weights_sha256),
    }
    faces = [each.face for each in found.faces]
    if None not in faces:
        arrays["boxes"] = np.array([face.box for face in faces])
        arrays["landmarks"] = np.array([face.landmarks for face in faces])
        arrays["confidence"] = np.array([face.confidence for face in faces])
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            np.savez(file, **arrays)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
