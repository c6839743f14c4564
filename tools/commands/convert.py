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
import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HELP = "convert a Caffe network to a .keras file"
# How the folder begins in which a file is written before it is complete.
HIDDEN = ".convert-"
NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)


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
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document"
    )
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
        if path is not None:
            open(path, "rb").close()
    check_output(arguments.output)

    from keras_hypersphere.caffe_format.order import check_order
    from keras_hypersphere.tools.caffe import make_card, write_card
    from keras_hypersphere.tools.caffe.cards.outcome import draw, show

    if arguments.caffemodel is not None:
        check_order(arguments.caffemodel)
    card = None
    if arguments.card is not None:
        from keras_hypersphere.tools.caffe.cards import zoo_entry

        card = zoo_entry.wanted_card(arguments.card)
        # The embedding, and what it is made of, is what is verified.
        blob = zoo_entry.feature_blob(card, arguments.prototxt)
        backbone = zoo_entry.load_backbone(card, arguments.caffemodel)
        arguments.outputs, arguments.verify = [blob], True
    with folder_beside(arguments.output) as folder:
        saved = folder / (arguments.output or Path("model.keras")).name
        model = convert(arguments)
        model.save(saved)
        report = None
        if arguments.verify:
            # What the user will load is what is checked.
            report = check(saved, model, arguments)
        written = report is None or report.passed or arguments.force
        described = make_card(
            saved,
            arguments.prototxt,
            arguments.caffemodel,
            report,
            **state(arguments),
        )
        write_card(saved, described, report)
        if card is not None and written:
            files = (arguments.prototxt, arguments.caffemodel)
            card = zoo_entry.write_entry(card, backbone, model, *files)
        show(model, saved, report, described, card, written, arguments)
        if written and arguments.output is not None:
            saved.replace(os.path.realpath(arguments.output))
            draw(model, folder, arguments)
    return 0 if written else 1


def check_words(arguments: argparse.Namespace) -> None:
    """Ends with exit code 2 if words do not go together."""
    if arguments.inputs is not None and not (
        arguments.verify or arguments.card is not None
    ):
        arguments.refuse("--inputs is for --verify: add it")
    if arguments.card is None:
        if arguments.output is None:
            arguments.refuse("-o OUT.keras is required, or --card NAME")
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
    if arguments.inspect and arguments.output is None:
        arguments.refuse("--inspect draws next to OUT: add -o OUT.keras")


def check_output(output: Path | None) -> None:
    """Raises if the file cannot be written."""
    if output is None:
        return
    for place in (output, Path(os.path.realpath(output))):
        if not place.parent.is_dir():
            raise FileNotFoundError(
                f"No such directory: {place.parent}; make it first"
            )
    if output.is_dir():
        raise IsADirectoryError(f"{output} is a directory")


@contextlib.contextmanager
def folder_beside(output: Path | None) -> Iterator[Path]:
    """A folder on the disk of the result, so that it can be moved at once.

    What cannot be written there is told of as the user's file.
    """
    place = output and os.path.dirname(os.path.realpath(output))
    try:
        with tempfile.TemporaryDirectory(dir=place, prefix=HIDDEN) as folder:
            yield Path(folder)
    except OSError as error:
        # Whoever is in the middle of a file does not say which.
        full = error.filename is None and error.errno in NO_ROOM
        if output is None or not (full or HIDDEN in str(error)):
            raise
        known = error.errno and os.strerror(error.errno)
        reason = known or "cannot be written"
        raise OSError(error.errno, reason, str(output)) from error


def state(arguments: argparse.Namespace) -> dict:
    """Which layers are included."""
    return {
        "phase": arguments.phase,
        "stages": arguments.stages,
        "level": arguments.level,
    }


def convert(arguments: argparse.Namespace) -> Any:
    """Calls `to_keras`; what it warns of goes to stderr, a line each."""
    import warnings

    from keras_hypersphere.tools.caffe import to_keras
    from keras_hypersphere.tools.caffe.building.weights import (
        OtherNamesWarning,
        OtherNetworkError,
    )

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        warnings.simplefilter("error", OtherNamesWarning)

        def load() -> Any:
            return to_keras(
                arguments.prototxt,
                arguments.caffemodel,
                outputs=arguments.outputs,
                input_shapes=dict(arguments.input_shape),
                preprocessing=arguments.preprocessing,
                **state(arguments),
            )

        try:
            model = load()
        except (OtherNetworkError, OtherNamesWarning) as error:
            if not arguments.force:
                raise ValueError(f"{error}; --force leaves it out") from error
            print(f"warning: {error}; it is left out", file=sys.stderr)
            # Nothing of the file is in the model, or in its card.
            arguments.caffemodel = None
            caught.clear()
            model = load()
        else:
            if arguments.caffemodel is None:
                print(
                    "warning: no CAFFEMODEL was given: layers start from "
                    "their fillers",
                    file=sys.stderr,
                )
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            print(f"warning: {warning.message}", file=sys.stderr)
    return model


def check(saved: Path, model: Any, arguments: argparse.Namespace) -> Any:
    """Calls `verify` on the model that was saved, loaded again."""
    import warnings

    from keras_hypersphere.tools.caffe import verify

    inputs = None
    if arguments.inputs is not None:
        inputs = read_inputs(arguments.inputs, model)
    with warnings.catch_warnings():
        # The conversion has said it already.
        warnings.simplefilter("ignore", UserWarning)
        return verify(
            saved,
            arguments.prototxt,
            arguments.caffemodel,
            inputs,
            outputs=arguments.outputs,
            input_shapes=dict(arguments.input_shape),
            **state(arguments),
        )


def read_inputs(file: str, model: Any) -> dict[str, Any]:
    """Arrays of a file, channels-last: of Caffe's layout if only that fits."""
    import numpy as np

    from keras_hypersphere.npz_damage import DAMAGE
    from keras_hypersphere.tools.caffe.verification.probe import (
        in_caffe,
        to_keras_layout,
    )

    try:
        found = np.load(file, allow_pickle=False)
        if isinstance(found, np.ndarray):
            found = {model.inputs[0].name: found}
        # Of an .npz each array is read here.
        found = dict(found.items())
    except DAMAGE as error:
        raise ValueError(
            f"{file}: is no .npy or .npz file of numbers; write one with "
            "numpy.save or numpy.savez"
        ) from error
    for name, array in found.items():
        if array.dtype.kind not in "biuf":
            raise ValueError(
                f"{file}: must hold real numbers. Received: an array of dtype "
                f"{array.dtype} for {name!r}"
            )
    sizes = {x.name: tuple(x.shape[1:]) for x in model.inputs}

    def fit(name: str, array: np.ndarray) -> np.ndarray:
        size = sizes.get(name, array.shape[1:])
        as_caffe = array.shape[1:] == in_caffe(size) != size
        return to_keras_layout(array) if as_caffe else array

    return {name: fit(name, array) for name, array in found.items()}
