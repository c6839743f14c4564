"""Shows the three jobs of the library on inputs that it brings along.

1. faces: two portraits and changed copies, compared by a pretrained network;
2. conversion: an original Caffe network becomes a .keras file, blob by blob;
3. digits: plain softmax and A-Softmax train 3-D features in model.fit.
"""

import argparse
import contextlib
import importlib
import sys
import time
from pathlib import Path

from keras_hypersphere.tools.commands.document import document
from keras_hypersphere.tools.commands.embedder_arguments import add_json

HELP = "the three jobs on embedded inputs, with pictures"

JOBS = {
    "faces": "1. Two photos, one answer",
    "conversion": "2. An original Caffe model becomes .keras",
    "digits": "3. Layers in model.fit",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the words of `demo`."""
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("demo-output"),
        metavar="DIR",
        help="folder for the pictures (default: %(default)s)",
    )
    parser.add_argument(
        "--job",
        choices=list(JOBS),
        action="append",
        help="only this one; may be repeated (default: all three)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Runs the jobs. Returns 1 if one of them did not show its claim."""
    arguments.output.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in arguments.job or JOBS:
        # With --json the tables are news for the person, not for the reader.
        talk = sys.stderr if arguments.json else sys.stdout
        with contextlib.redirect_stdout(talk):
            results[name] = show(name, arguments.output)
    failed = [name for name, result in results.items() if not result["passed"]]
    if arguments.json:
        print(
            document(
                "demo",
                [{"job": name, **found} for name, found in results.items()],
                dict.fromkeys(failed, "it did not show what it claims"),
            )
        )
    else:
        print(f"\nPictures and files are in {arguments.output}/")
    if failed:
        print(
            f"error: not shown as claimed: {', '.join(failed)}; see the "
            "tables above",
            file=sys.stderr,
        )
    return 1 if failed else 0


def show(name: str, output: Path) -> dict:
    """Runs one job under its heading and returns what it found."""
    print(f"\n=== {JOBS[name]}\n", flush=True)
    start = time.perf_counter()
    job = importlib.import_module(f"keras_hypersphere.tools.demo.{name}")
    outcome = job.run(output)
    seconds = time.perf_counter() - start
    print(f"\n({seconds:.0f} s)", flush=True)
    return {
        "passed": outcome.passed,
        "seconds": round(seconds, 1),
        "files": [str(path) for path in outcome.files],
        **outcome.figures,
    }
