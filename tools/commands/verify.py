"""Decides whether two photos show the same person.

Prints `same` or `different`, the distance of the two faces, and the
threshold below which they are taken for one person. The exit code is 0 for
either answer. Of several faces in a photo the largest is taken.
"""

import argparse
import json
import sys

from keras_hypersphere.tools.commands.embedder_arguments import (
    add_choose,
    add_detector,
    add_model,
    distance,
    embedder_of,
)

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
    parser.add_argument(
        "--json", action="store_true", help="one JSON document on stdout"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compares the photos and prints the decision."""
    embedder = embedder_of(arguments)
    answer = embedder.verify(
        arguments.photo_a,
        arguments.photo_b,
        threshold=arguments.threshold,
        choose=arguments.choose,
    )
    for face in answer.faces:
        if face.found > 1:
            print(
                f"note: {face.photo} has {face.found} faces, taken was the "
                + (
                    "largest" if arguments.choose == "largest" else "middle one"
                ),
                file=sys.stderr,
            )
    if arguments.json:
        print(json.dumps({"model": embedder.card.name, **answer.as_dict()}))
    else:
        word = "same" if answer.same else "different"
        print(
            f"{word}  distance {answer.distance:.4f}  "
            f"threshold {answer.threshold:g}"
        )
    return 0
