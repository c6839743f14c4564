"""Converts a Caffe network to a .keras file.

The prototxt describes the network; the caffemodel holds its weights (without
one, layers start from their fillers; one of another network is refused). With
--verify every blob is compared with OpenCV 4's Caffe importer, or where that
is absent or wrong with a NumPy reference of each layer, and a model that
disagrees is not written. The file holds a card too: where it comes from, what
it takes, what was verified.

With --card the weights become a model of the zoo, `keras-hypersphere models
NAME`: every blob is verified, the zoo's own network must give the same
embeddings, and weights and finished card are kept in the cache.
"""

import argparse
import os
import stat
from dataclasses import fields
from pathlib import Path

from keras_hypersphere.tools.commands.embedder_arguments import add_json

HELP = "convert a Caffe network to a .keras file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this subcommand."""
    parser.add_argument(
        "prototxt",
        metavar="PROTOTXT",
        help="the network: text, or a binary network",
    )
    parser.add_argument(
        "caffemodel",
        metavar="CAFFEMODEL",
        nargs="?",
        help="its weights: binary, text or HDF5",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT.keras",
        type=keras_file,
        help="file to write; one that is there is replaced, and where it is a "
        "link, what that leads to (required without --card)",
    )
    parser.add_argument(
        "--card",
        metavar="NAME",
        help="make this model of the zoo ready: see `models`",
    )
    parser.add_argument(
        "--outputs",
        metavar="A,B",
        type=listed,
        help="blobs that the model returns (default: the network's outputs)",
    )
    parser.add_argument(
        "--phase",
        choices=("TEST", "TRAIN"),
        default="TEST",
        help="which layers are included (default: TEST)",
    )
    parser.add_argument(
        "--stages",
        metavar="A,B",
        type=listed,
        default=(),
        help="stages that are set, for layers with stage rules",
    )
    parser.add_argument(
        "--level",
        metavar="N",
        type=int,
        default=0,
        help="level, for layers with level rules (default: 0)",
    )
    parser.add_argument(
        "--input-shape",
        metavar="NAME=HxWxC",
        type=named_shape,
        action="append",
        default=[],
        help="shape of an input, such as data=112x96x3, where the prototxt "
        "has none or another; may be given for several",
    )
    parser.add_argument(
        "--preprocessing",
        action="store_true",
        help="let the model begin with the data layer's mean (its mean_file "
        "is read) and scale",
    )
    parser.add_argument(
        "--inspect",
        action="store_true",
        help="print a table of the layers, and draw the model as OUT.png "
        "(with pydot and graphviz); an earlier picture of this command is "
        "replaced, another file is kept",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare every blob before writing",
    )
    parser.add_argument(
        "--inputs",
        metavar="FILE",
        help="--verify on these: .npy, or .npz with an array for each input "
        "(default: seeded noise)",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="write the model even if it is not verified, or if CAFFEMODEL "
        "has no weights for it: then layers start from their fillers",
    )
    add_json(parser)
    parser.set_defaults(refuse=parser.error)


def keras_file(word: str) -> Path:
    """A path that Keras knows how to write."""
    if not word.endswith(".keras"):
        raise argparse.ArgumentTypeError(f"{word} must end in .keras")
    return Path(word)


def listed(word: str) -> list[str]:
    """Names between commas."""
    return [name for name in word.split(",") if name]


def named_shape(word: str) -> tuple[str, tuple[int, ...]]:
    """A blob's name and its shape, channels last."""
    name, _, sizes = word.partition("=")
    numbers = sizes.split("x")
    if not name or not all(n.isdecimal() and int(n) for n in numbers):
        raise argparse.ArgumentTypeError(
            f"{word} must be NAME=HxWxC, such as data=112x96x3"
        )
    return name, tuple(map(int, numbers))


def run(arguments: argparse.Namespace) -> int:
    """Converts, verifies, writes. Returns the exit code."""
    check_words(arguments)
    # What fails at once should say so at once.
    for path in (arguments.prototxt, arguments.caffemodel, arguments.inputs):
        if path is not None and stat.S_ISDIR(os.stat(path).st_mode):
            raise IsADirectoryError(f"Is a directory: {path}")

    from keras_hypersphere.tools.caffe import CaffeNetwork
    from keras_hypersphere.tools.caffe.conversion import Wishes, convert_files
    from keras_hypersphere.tools.caffe.network.rules import make_state
    from keras_hypersphere.tools.commands.convert_outcome import (
        show,
        warnings_as_lines,
    )

    names = [field.name for field in fields(Wishes)]
    wishes = Wishes(**{name: getattr(arguments, name) for name in names})
    with warnings_as_lines():
        network = CaffeNetwork.open(
            arguments.prototxt,
            arguments.caffemodel,
            make_state(arguments.phase, arguments.stages, arguments.level),
            outputs=arguments.outputs,
            input_shapes=dict(arguments.input_shape),
        )
        outcome = convert_files(network, wishes)
    show(outcome, arguments)
    return 0 if outcome.kept else 1


def check_words(arguments: argparse.Namespace) -> None:
    """Ends with exit code 2 if words do not go together."""
    if arguments.inputs is not None and not (
        arguments.verify or arguments.card is not None
    ):
        arguments.refuse("--inputs is for --verify: add it")
    if arguments.card is None:
        if arguments.output is None and not arguments.inspect:
            arguments.refuse(
                "-o OUT.keras is required, or --card NAME, or --inspect"
            )
        return
    if arguments.caffemodel is None:
        arguments.refuse("--card needs the CAFFEMODEL")
    for word, given, reason in (
        ("--phase TRAIN", arguments.phase == "TRAIN", "is for testing"),
        ("--outputs", arguments.outputs, "returns the embedding"),
        ("--preprocessing", arguments.preprocessing, "has its own"),
        ("--force", arguments.force, "is always verified"),
    ):
        if given:
            arguments.refuse(f"{word} is not for --card: an entry {reason}")
