"""Decides whether two photos show the same person.

Prints `same` or `different`, the distance of the two faces, and the
threshold below which they are taken for one person. The exit code is 0 for
either answer. Of several faces in a photo the largest is taken, or as
--choose says.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from keras_hypersphere.tools.commands.document import document
from keras_hypersphere.tools.commands.embedder_arguments import (
    add_choose,
    add_detector,
    add_json,
    add_model,
    distance,
    embedder_of,
    require_photos,
)
from keras_hypersphere.tools.commands.notes import note_turned

if TYPE_CHECKING:
    from keras_hypersphere.zoo.faces.verification import Verification

HELP = "same person or not: two photos"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the words of `verify`."""
    parser.add_argument("photo_a", metavar="PHOTO_A", help="a photo")
    parser.add_argument("photo_b", metavar="PHOTO_B", help="another photo")
    add_model(parser)
    parser.add_argument(
        "--threshold",
        type=distance,
        metavar="DISTANCE",
        help="the same person below this distance (default: the model's)",
    )
    add_detector(parser)
    add_choose(parser, "largest")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compares the photos and prints the decision."""
    require_photos([arguments.photo_a, arguments.photo_b])
    embedder = embedder_of(arguments)
    answer = embedder.verify(
        arguments.photo_a,
        arguments.photo_b,
        threshold=arguments.threshold,
        choose=arguments.choose,
    )
    for face in answer.faces:
        if face is not None and face.found > 1:
            taken = "largest" if arguments.choose == "largest" else "middle one"
            print(
                f"note: {face.photo} has {face.found} faces, taken was the "
                f"{taken}",
                file=sys.stderr,
            )
    note_turned(answer.faces)
    if arguments.json:
        result = {
            "model": embedder.card.name,
            "engine": embedder.engine,
            **answer.as_dict(),
        }
        print(document("verify", [result]))
    else:
        print(line(answer))
    return 0


def line(answer: "Verification") -> str:
    """The decision, and how often its threshold decides wrongly."""
    text = (
        f"{'same' if answer.same else 'different'}  distance "
        f"{answer.distance:.4f}  threshold {answer.threshold:g}"
    )
    if answer.far is not None and answer.frr is not None:
        text += (
            f"  (wrong for {answer.far:.2%} of pairs of different people, "
            f"{answer.frr:.2%} of pairs of one)"
        )
    return text + ("  near the threshold" if answer.near else "")
