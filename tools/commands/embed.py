"""Turns photos of faces into embeddings.

Writes an .npz file: `embeddings` (photos, dim), `names`, `boxes`,
`landmarks`, `confidence`, how they were made (`aligned`, `choose`), and the
`model` with its `model_sha256`. A photo that cannot be read or shows no face
is reported and left out; the rest is written, and the exit code is 1. The
file is written every 30 seconds, and when Ctrl-C stops the work: `--resume`
goes on.

With `-o OUT/` one folder, or a URI such as `s3://bucket/photos`, becomes a
folder of parquet files (`path`, `embedding`, `box`, `confidence`, `error`), by
this process or by Ray Data (`--engine ray`): for more photos than memory
holds. A photo without an embedding is a row with its error. Files are there
whole or not at all; the same command goes on after any stop.
"""

import argparse
import contextlib
import sys
from pathlib import Path

from keras_hypersphere.tools.commands.document import ManyFailures, document
from keras_hypersphere.tools.commands.embed_shards import (
    add_engine,
    is_for_shards,
    run_shards,
)
from keras_hypersphere.tools.commands.embedder_arguments import (
    add_all,
    add_choose,
    add_detector,
    add_json,
    add_model,
    embedder_of,
    require_photos,
)
from keras_hypersphere.tools.commands.notes import (
    note_passed_over,
    note_turned,
)

HELP = "photos to embeddings, in an .npz file or a folder of parquet files"


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
        metavar="OUT.npz|OUT/",
        help="the file to write, or the folder of parquet files",
    )
    add_model(parser)
    add_detector(parser)
    add_choose(parser, "largest")
    add_all(parser)
    parser.add_argument(
        "--aligned",
        action="store_true",
        help="the photos are crops of the model's size already, see `align`",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with OUT.npz: photos that it holds are not embedded again",
    )
    add_engine(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Embeds the photos and writes the file, or the folder."""
    if is_for_shards(arguments):
        return run_shards(arguments)
    if not arguments.output.lower().endswith(".npz"):
        arguments.refuse(
            "argument -o/--output: expected a name that ends in .npz, or in / "
            f"for a folder, received {arguments.output!r}"
        )
    arguments.output = Path(arguments.output)
    from keras_hypersphere.atomic_write import require_place
    from keras_hypersphere.tools.embeddings_file import EmbeddingsFile
    from keras_hypersphere.tools.interrupts import kept_interrupts
    from keras_hypersphere.tools.progress import Progress
    from keras_hypersphere.zoo.faces.photo_list import name_photos

    # What can be wrong with the words is said before minutes of work.
    require_place(arguments.output)
    require_photos(arguments.photos)
    named = name_photos(arguments.photos, arguments.aligned)
    # A photo that the words name twice is embedded once.
    photos = dict(named)
    embedder = embedder_of(arguments)
    file = EmbeddingsFile(
        arguments.output, embedder.card, arguments.aligned, arguments.choose
    )
    if arguments.resume and arguments.output.exists():
        there = file.read()
        photos = {n: photo for n, photo in photos.items() if n not in there}
    before = len(file)
    progress = Progress(len(photos), "photos")
    failures: dict[str, str] = {}
    results: list[dict] = []
    parts = embedder.stream(
        list(photos.values()),
        aligned=arguments.aligned,
        choose=arguments.choose,
        progress=lambda done, _: progress.update(done),
    )
    try:
        with kept_interrupts() as check, contextlib.closing(parts):
            for found in parts:
                failures |= found.failures
                results += [face.as_dict() for face in found.faces]
                note_turned(found.faces)
                for name, more in found.passed_over.items():
                    note_passed_over(name, more)
                file.add(found)
                file.save_sometimes()
                check()
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"{len(file)} embeddings are in {arguments.output}; the same "
            "command with --resume goes on"
            if len(file)
            else "no photo was embedded yet"
        ) from None
    finally:
        file.save_new()
    if not len(file):
        first = next(iter(failures.values()))
        rest = f" ({len(photos) - 1} more failed.)" if len(photos) > 1 else ""
        raise ManyFailures(f"{first}{rest}", failures)
    if arguments.json:
        print(document("embed", results, failures))
    else:
        new = f", {len(file) - before} of them new" if before else ""
        print(f"{len(file)} embeddings in {arguments.output}{new}")
    for why in failures.values():
        print(f"skipped: {why}", file=sys.stderr)
    if failures:
        print(
            f"error: {len(failures)} of {len(photos)} photos have no "
            "embedding, see above; the others are written",
            file=sys.stderr,
        )
    return 1 if failures else 0
