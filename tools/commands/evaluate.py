"""Measures a model: are both the same person, and who is it?

`lfw` and `pairs` compare photos, `ytf` videos, as folders of frames, over
folds; `megaface` looks for people among distractors. Each photo is embedded
once, or found by its name in a file of embeddings. A photo without a detected
face is never left out of a list: its pairs count as errors.
"""

import argparse
import importlib
import shlex
from collections.abc import Callable

from keras_hypersphere.arguments import DISTANCES
from keras_hypersphere.tools.commands.document import document, one_line
from keras_hypersphere.tools.commands.embedder_arguments import (
    DETECTORS,
    MODEL,
    RUNTIMES,
    add_json,
)

HELP = "measure a model on LFW, YouTube Faces, MegaFace or a list of pairs"
# What is measured, and the file of `tools.evaluation` that does it.
SETS = {
    "lfw": ("photo_pairs", "pairs of photos, listed as LFW's pairs.txt"),
    "ytf": ("video_pairs", "pairs of videos, listed as YouTube Faces' splits"),
    "megaface": ("probes", "photos of known people among distractors"),
    "pairs": ("photo_pairs", "pairs of photos, lines of `path_a path_b 0|1`"),
}
# As `evaluation.lfw.PROTOCOLS` and `evaluation.ytf.PROTOCOLS`, which would
# load NumPy.
PROTOCOLS = ("standard", "sphereface", "normface-pca")
VIDEO_PROTOCOLS = ("mean", "facenet", "histogram", "normface-mean")
RULES = ("center", "largest")
# The options that decide what is measured, in the order of the help.
COMMAND_WORDS = (
    "images",
    "embeddings",
    "pairs",
    "distractors",
    "landmarks",
    "model",
    "protocol",
    "distance",
    "folds",
    "max_frames",
    "ranks",
    "far",
    "choose",
    "detector",
    "runtime",
    "report",
)
# Options that only make sense for photos.
PHOTO_WORDS = (
    "landmarks",
    "model",
    "choose",
    "detector",
    "runtime",
    "report",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares what the subcommand reads."""
    sets = parser.add_subparsers(dest="set", metavar="SET", required=True)
    for name, (_, what) in SETS.items():
        each = sets.add_parser(name, help=what, description=f"Measures {what}.")
        add_photos(each)
        if name == "megaface":
            add_gallery(each)
        else:
            each.add_argument(
                "--pairs",
                required=True,
                metavar="FILE",
                help="the list"
                if name == "ytf"
                else "the list, or InsightFace's .bin, which holds its faces",
            )
            add_protocol(each, videos=name == "ytf")
        each.add_argument(
            "--distance",
            choices=DISTANCES,
            help="how embeddings are compared (default: the model card's, or "
            "the protocol's own)",
        )
        add_json(each)
        each.set_defaults(command=f"evaluate {name}")
        # The subcommand's own --debug stands before the set.
        each.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show tracebacks",
        )
        each.set_defaults(usage_error=each.error)


def add_photos(parser: argparse.ArgumentParser) -> None:
    """Where embeddings come from."""
    # One of them is required, unless a list brings its faces.
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--images",
        metavar="DIR",
        help="folder the paths of photos start from",
    )
    source.add_argument(
        "--embeddings",
        metavar="NPZ",
        help="arrays `embeddings` and `names` instead of photos, as `embed` "
        "writes them",
    )
    parser.add_argument(
        "--landmarks",
        metavar="NPZ",
        help="arrays `names` and `landmarks` (n, 5, 2), 0-based pixels: use "
        "these points instead of detecting faces",
    )
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="a model of `models`, a folder such as RUN/best, or "
        f"hf://owner/name (default: {MODEL})",
    )
    parser.add_argument(
        "--detector",
        choices=DETECTORS,
        help="what finds faces (default: yunet)",
    )
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        help="what computes the network (default: auto)",
    )
    parser.add_argument(
        "--choose",
        choices=RULES,
        help="which of several detected faces is meant (default: center, "
        "where photos center their person; largest for pairs)",
    )
    parser.add_argument(
        "--report",
        metavar="DIR",
        help="write an HTML page with curves, tables, and the pairs of a list "
        "that are most wrong",
    )
    parser.set_defaults(**dict.fromkeys(COMMAND_WORDS))


def add_protocol(parser: argparse.ArgumentParser, videos: bool) -> None:
    """How a threshold is found."""
    names = VIDEO_PROTOCOLS if videos else PROTOCOLS
    parser.add_argument(
        "--protocol",
        choices=names,
        default=names[0],
        help="how pairs are decided (default: %(default)s)",
    )
    if videos:
        parser.add_argument(
            "--max-frames",
            type=whole(1),
            metavar="N",
            help="use the first N frames of a video that show a face "
            "(default: all; 100 with facenet)",
        )
        return
    parser.add_argument(
        "--folds",
        type=whole(2),
        metavar="N",
        help="consecutive blocks of the list (default: its own, or 10)",
    )


def add_gallery(parser: argparse.ArgumentParser) -> None:
    """The distractors, and what is asked among them."""
    parser.add_argument(
        "--distractors",
        required=True,
        metavar="DIR|FILE",
        help="photos of distractors, or their embeddings: .npz with the array "
        "`embeddings`, .npy, or parquet files as `embed -o OUT/` writes; the "
        "latter two are read in blocks",
    )
    parser.add_argument(
        "--ranks",
        type=whole(1),
        default=10,
        metavar="K",
        help="up to which rank to report (default: %(default)s)",
    )
    parser.add_argument(
        "--far",
        type=rate,
        default=1e-6,
        metavar="RATE",
        help="false accept rate of the verification (default: %(default)s)",
    )


def whole(least: int) -> Callable[[str], int]:
    """Reads a whole number from `least`."""

    def read(word: str) -> int:
        if not word.isascii() or not word.isdigit() or int(word) < least:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {least}, received {word!r}"
            )
        return int(word)

    return read


def rate(word: str) -> float:
    """Reads a false accept rate."""
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(
            f"expected a rate from 0 to less than 1, received {word!r}"
        )
    return number


def run(arguments: argparse.Namespace) -> int:
    """Measures, and prints what was found."""
    for name in PHOTO_WORDS:
        if arguments.embeddings and getattr(arguments, name) is not None:
            arguments.usage_error(f"--{name} needs --images, not --embeddings")
    from keras_hypersphere.tools.evaluation.crop_pairs import require_source

    require_source(arguments)
    from keras_hypersphere.tools.evaluation.outcome_text import text
    from keras_hypersphere.tools.reports.folder import (
        require_folder,
        write_report,
    )

    if arguments.report:
        require_folder(arguments.report)
    measure = importlib.import_module(
        f"keras_hypersphere.tools.evaluation.{SETS[arguments.set][0]}"
    ).measure
    measured = measure(arguments, command(arguments))
    found = measured.found
    failures: dict[str, str] = {}
    try:
        if arguments.report:
            found["report"] = str(write_report(arguments.report, measured.draw))
    except Exception as error:
        # Without the page the figures of long work are still wanted; they
        # are the one document then, and the error is a line.
        failures[arguments.report] = one_line(error)
        raise
    finally:
        print(
            document(arguments.command, [found], failures)
            if arguments.json
            else text(found)
        )
        arguments.json = False
    return 0


def command(arguments: argparse.Namespace) -> str:
    """The words that ask for the same again."""
    words = ["keras-hypersphere", "evaluate", arguments.set]
    for name in COMMAND_WORDS:
        value = getattr(arguments, name)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)
