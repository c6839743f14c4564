"""`embed FOLDER -o OUT/`: photos to parquet files, a shard each."""

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING

from keras_hypersphere.tools.commands.document import document
from keras_hypersphere.tools.commands.embedder_arguments import detector_of

if TYPE_CHECKING:
    from keras_hypersphere.tools.bulk.embed_folder import BulkReport
    from keras_hypersphere.tools.bulk.shard_job import Written

# As `tools.bulk.engines`, which would load OpenCV.
ENGINES = ("local", "ray")


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Adds what is for a folder of shards alone."""
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        help="what makes OUT/: this process, or Ray Data (default: local)",
    )
    parser.add_argument(
        "--shard-size",
        type=count,
        metavar="N",
        help="of OUT/: photos of a file, on average (default: 8192)",
    )
    parser.add_argument(
        "--workers",
        type=count,
        metavar="N",
        help="of --engine ray: processes (default: one for two processors)",
    )
    parser.set_defaults(refuse=parser.error)


def count(word: str) -> int:
    """Reads a number of things."""
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(
            f"expected a positive whole number, got {word!r}"
        )
    return int(word)


def is_for_shards(arguments: argparse.Namespace) -> bool:
    """Whether a folder of shards is asked for; refuses what does not fit."""
    output, refuse = arguments.output, arguments.refuse
    if not (output.endswith("/") or arguments.engine):
        for word, value in (
            ("--shard-size", arguments.shard_size),
            ("--workers", arguments.workers),
        ):
            if value is not None:
                refuse(f"{word} is for a folder: -o OUT/")
        return False
    if output.lower().endswith(".npz"):
        refuse(f"--engine writes a folder, not {output}: say -o OUT/")
    if len(arguments.photos) > 1:
        refuse("-o OUT/ takes one folder of photos")
    if arguments.workers is not None and arguments.engine != "ray":
        refuse("--workers is for --engine ray")
    return True


def run_shards(arguments: argparse.Namespace) -> int:
    """Embeds a folder into a folder."""
    from keras_hypersphere.tools.bulk.embed_folder import (
        SHARD_SIZE,
        embed_folder,
    )
    from keras_hypersphere.tools.interrupts import kept_interrupts
    from keras_hypersphere.tools.progress import Progress
    from keras_hypersphere.zoo.faces.bulk_embedder import BulkEmbedder

    progress = Progress(None, "photos")
    written, photos = 0, 0

    # Ray prints there that a worker has died.
    with kept_interrupts() as check, contextlib.redirect_stdout(sys.stderr):

        def show(report: "BulkReport", shard: "Written") -> None:
            nonlocal written, photos
            if not shard.problem:
                written, photos = written + 1, photos + shard.photos
            progress.update(photos)
            check()

        try:
            report = embed_folder(
                arguments.photos[0],
                arguments.output,
                BulkEmbedder(
                    arguments.model,
                    arguments.runtime,
                    choose=arguments.choose,
                    aligned=arguments.aligned,
                    detector=detector_of(arguments),
                ),
                arguments.engine or "local",
                arguments.shard_size or SHARD_SIZE,
                arguments.workers,
                show,
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{written} new shards are in {arguments.output}; the same "
                "command goes on"
            ) from None
    return tell(report, arguments)


def tell(report: "BulkReport", arguments: argparse.Namespace) -> int:
    """Says what was done."""
    if arguments.json:
        result = {
            "output": arguments.output,
            "engine": arguments.engine or "local",
            **{k: v for k, v in vars(report).items() if k != "problems"},
        }
        print(document("embed", [result], report.problems))
    else:
        new = report.shards - report.skipped - len(report.problems)
        print(
            f"{report.photos} photos in {report.shards} shards, {new} of them "
            f"new with {report.embeddings} embeddings and {report.failed} "
            f"errors, in {arguments.output}"
        )
    if report.removed:
        print(
            f"note: {report.removed} shards of photos that have changed since "
            "were removed",
            file=sys.stderr,
        )
    for why in report.problems.values():
        print(f"skipped: {why}", file=sys.stderr)
    if report.problems:
        print(
            f"error: {len(report.problems)} of {report.shards} shards were "
            "not written, see above; the same command tries them again",
            file=sys.stderr,
        )
    return 1 if report.problems else 0
