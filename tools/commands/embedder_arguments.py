"""Arguments that the subcommands share which embed photos."""

import argparse
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_hypersphere.zoo import FaceEmbedder
    from keras_hypersphere.zoo.alignment import FaceDetector

MODEL = "sface"
# As `zoo.runtimes.RUNTIMES` and `zoo.alignment.face_detector`, which would
# load OpenCV before a usage error is told.
RUNTIMES = ("auto", "opencv", "keras", "onnx", "openvino")
DETECTORS = ("yunet", "mtcnn")
TURNS = ("auto", "0", "90", "180", "270")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Adds which model embeds, and what computes it."""
    parser.add_argument(
        "--model",
        default=MODEL,
        metavar="NAME",
        help="a model of `models`, a folder, or hf://owner/name (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default="auto",
        help="what computes the network: auto takes what is fastest for so "
        "many photos (default: %(default)s)",
    )


def add_detector(parser: argparse.ArgumentParser) -> None:
    """Adds how faces are found."""
    parser.add_argument(
        "--detector",
        choices=DETECTORS,
        default="yunet",
        help="what finds faces (default: %(default)s)",
    )
    parser.add_argument(
        "--min-confidence",
        type=fraction,
        metavar="0..1",
        help="leave out faces of less confidence (default: the detector's)",
    )
    parser.add_argument(
        "--min-size",
        type=size,
        metavar="PIXELS",
        help="leave out smaller faces; large photos are searched the faster",
    )
    parser.add_argument(
        "--turn",
        choices=TURNS,
        default="auto",
        help="by how many degrees counter-clockwise photos must be turned to "
        "stand upright (default: %(default)s, found out)",
    )


def add_choose(parser: argparse.ArgumentParser, default: str) -> None:
    """Adds which of several faces is meant."""
    parser.add_argument(
        "--choose",
        choices=("largest", "center"),
        default=default,
        help="which of several faces (default: %(default)s)",
    )


def add_all(parser: argparse.ArgumentParser) -> None:
    """Adds that every face is meant."""
    parser.add_argument(
        "--all",
        action="store_const",
        const="all",
        dest="choose",
        help="every face of each photo",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds that a program reads the answer."""
    parser.add_argument(
        "--json", action="store_true", help="one JSON document on stdout"
    )


def fraction(word: str) -> float:
    """Reads a confidence."""
    return number(word, 1.0, "a number from 0 to 1")


def size(word: str) -> float:
    """Reads a number of pixels."""
    return number(word, 1e6, "a number of pixels")


def distance(word: str) -> float:
    """Reads a threshold."""
    return number(word, 1e30, "a distance, 0 or more")


def number(word: str, most: float, expected: str) -> float:
    """Reads a number from 0 to `most`."""
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= most:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {word!r}")
    return value


def require_photos(words: Iterable[str]) -> None:
    """Refuses photos that are not there, before a model is loaded.

    Raises:
        FileNotFoundError: If there is none of that name.
        ValueError: If a name is empty.
    """
    from keras_hypersphere.zoo import images

    for word in words:
        if not word or not os.path.lexists(word):
            images.read(word)


def detector_of(arguments: argparse.Namespace) -> "FaceDetector":
    """The detector that was asked for."""
    from keras_hypersphere.zoo.alignment import FaceDetector

    turn = arguments.turn if arguments.turn == "auto" else int(arguments.turn)
    return FaceDetector(
        arguments.detector,
        arguments.min_confidence,
        arguments.min_size,
        turn,
    )


def embedder_of(arguments: argparse.Namespace) -> "FaceEmbedder":
    """The embedder that was asked for."""
    from keras_hypersphere.zoo import FaceEmbedder

    return FaceEmbedder.from_preset(
        arguments.model, arguments.runtime, detector_of(arguments)
    )
