"""Trains a network on photos of people, and measures it as it goes.

DATA is a folder with a folder for each person, a .rec or .tfrecord file, an
LMDB, a parquet file or a saved Hugging Face data set. Photos that are no
crops yet are aligned first, into RUN/cache. A tenth of the people is held out
and verified each epoch. RUN holds the recipe, checkpoints, a log, a page with
curves (index.html), and the best and the last network as presets, for
`--model RUN/best` of all subcommands. A training that was stopped goes on,
exactly, with `keras-hypersphere train DATA -o RUN --resume`.
"""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from keras_hypersphere.tools.commands.document import document
from keras_hypersphere.tools.commands.embedder_arguments import add_json

HELP = "photos of people to a trained, measured network"
# What a training that goes on was begun with.
CHOICES = ("recipe", "backbone", "head", "epochs", "batch_size")
OPTIONS = ("validation", "aligned", "remove_same")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the words of `train`."""
    parser.add_argument(
        "data", metavar="DATA", help="a folder of people, or a file of them"
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="RUN",
        help="the folder of the training; made if it is not there",
    )
    parser.add_argument(
        "--recipe",
        metavar="NAME|FILE",
        help="a published training, such as sphereface, cosface or adaface, "
        "or a file like RUN/recipe.json (default: arcface)",
    )
    parser.add_argument(
        "--backbone",
        metavar="NAME|PRESET",
        help="a network, such as MobileFaceNet or MobileNetV2; or what to "
        "fine-tune: sface, RUN/best (default: the recipe's)",
    )
    parser.add_argument(
        "--head",
        metavar="NAME",
        help="a head, such as ArcFace (default: the recipe's)",
    )
    parser.add_argument(
        "--epochs",
        type=positive,
        metavar="N",
        help="how often the photos are seen (default: the recipe's)",
    )
    parser.add_argument(
        "--batch-size",
        type=positive,
        metavar="N",
        help="photos a batch; the learning rate is scaled with it "
        "(default: the recipe's)",
    )
    parser.add_argument(
        "--validation",
        metavar="PAIRS|BIN|none",
        help="a list of pairs, an InsightFace .bin, or none (default: a "
        "tenth of the people is held out)",
    )
    parser.add_argument(
        "--aligned",
        action="store_true",
        help="the photos are crops of the network's size already",
    )
    parser.add_argument(
        "--remove-same",
        action="store_true",
        help="do not train on people who are in the validation: by name, and "
        "those who look like people held out",
    )
    parser.add_argument(
        "--devices",
        type=positive,
        metavar="N",
        help="train on N devices of this machine, on JAX or TensorFlow; a "
        "training may go on with another number (default: one; of several "
        "processes, see docs/distribution.md, all)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the training in RUN, as it was begun",
    )
    add_json(parser)


def positive(word: str) -> int:
    """Reads a whole number above 0."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(
            f"expected a whole number above 0, received {word!r}"
        )
    return int(word)


def run(arguments: argparse.Namespace) -> int:
    """Trains, or goes on."""
    from keras_hypersphere.backend.processes import is_first_process
    from keras_hypersphere.tools.quiet import printed_aside
    from keras_hypersphere.tools.training.process_group import ends_at_once

    # Gloo, by which processes of JAX speak, tells stdout of it.
    with printed_aside(), ends_at_once():
        found = trained(arguments)
    if not is_first_process():
        return 0
    if arguments.json:
        print(document("train", [found]))
        return 0
    print(f"{found['best']}: the best network; {found['last']}: the last")
    print(f"{found['page']}: how the training went")
    return 0


def trained(arguments: argparse.Namespace) -> dict[str, Any]:
    """What came of the training, in each of its processes."""
    from keras_hypersphere.backend.processes import is_first_process
    from keras_hypersphere.tools.training.process_group import join_processes
    from keras_hypersphere.tools.training.run_folder import RunFolder
    from keras_hypersphere.tools.training.task import begin_or_go_on

    join_processes()
    first = is_first_process()
    say = tell if first else silent
    folder = RunFolder(arguments.output)
    words = (
        arguments.data,
        {name: getattr(arguments, name) for name in CHOICES},
        {name: getattr(arguments, name) for name in OPTIONS},
    )
    # What can be wrong with the words is said before minutes of work.
    task = begin_or_go_on(folder, words, arguments.resume, say)
    task = dataclasses.replace(task, devices=arguments.devices)

    from keras_hypersphere.tools.interrupts import kept_interrupts
    from keras_hypersphere.tools.progress import Progress
    from keras_hypersphere.tools.training.fit import train
    from keras_hypersphere.tools.training.narration import Narration

    shown: list[Progress] = []

    def progress(done: int, total: int) -> None:
        if not shown:
            shown.append(Progress(total, "photos aligned"))
        shown[0].update(done)

    try:
        with kept_interrupts() as check:
            more = (Narration(task.recipe.epochs),) if first else ()
            return train(task, say, progress, more, check)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"`{folder.command}` goes on") from None


def tell(line: str) -> None:
    """A line for people."""
    print(line, file=sys.stderr, flush=True)


def silent(line: str) -> None:
    """What the first of several processes says already."""
