"""Arguments and messages that the subcommands share which know people."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from keras_hypersphere.tools.commands.embedder_arguments import (
    MODEL,
    RUNTIMES,
    add_detector,
    detector_of,
)

if TYPE_CHECKING:
    from keras_hypersphere.zoo import FaceEmbedder, Gallery


def add_gallery_model(parser: argparse.ArgumentParser) -> None:
    """Adds which model a gallery's embeddings are of."""
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="a model of `models`, a folder, or hf://owner/name (default: "
        f"the gallery's; of a folder of people, {MODEL})",
    )
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default="auto",
        help="what computes the network (default: %(default)s)",
    )
    add_detector(parser)


def add_index(parser: argparse.ArgumentParser) -> None:
    """Adds what finds the nearest photos."""
    parser.add_argument(
        "--index",
        metavar="INDEX",
        help="what finds the nearest photos: exact (all of them), faiss, or "
        "a string of faiss.index_factory (default: the gallery's; of a "
        "folder of people, exact)",
    )


def gallery_path(word: str) -> Path:
    """Reads the name of a gallery's file."""
    if not word.endswith(".npz"):
        raise argparse.ArgumentTypeError(
            f"expected a name that ends in .npz, received {word!r}"
        )
    return Path(word)


def make_embedder(arguments: argparse.Namespace) -> "FaceEmbedder":
    """The model that was named, or the default one."""
    from keras_hypersphere.zoo import FaceEmbedder

    return FaceEmbedder.from_preset(
        arguments.model or MODEL, arguments.runtime, detector_of(arguments)
    )


def load_gallery(path: Path, arguments: argparse.Namespace) -> "Gallery":
    """Reads a gallery's file, with the model that was named, or its own."""
    from keras_hypersphere.zoo import Gallery

    embedder = make_embedder(arguments) if arguments.model else None
    gallery = Gallery.load(path, embedder, arguments.runtime, arguments.index)
    gallery.embedder.detector = detector_of(arguments)
    return gallery


def show_photos() -> Callable[[int, int], None]:
    """Returns a function that says on stderr how many photos are done."""
    from keras_hypersphere.tools.progress import Progress

    lines: list[Progress] = []

    def show(done: int, total: int) -> None:
        if not lines:
            lines.append(Progress(total, "photos"))
        lines[0].update(done)

    return show


def tell_failures(failures: Mapping[str, str], total: int) -> int:
    """Says which photos were left out, and why. Returns the exit code."""
    for why in failures.values():
        print(f"skipped: {why}", file=sys.stderr)
    if failures:
        print(
            f"error: {len(failures)} of {total} photos were left out, "
            "see above",
            file=sys.stderr,
        )
    return 1 if failures else 0
