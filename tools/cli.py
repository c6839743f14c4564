"""The command line: parses arguments, runs a subcommand, reports errors.

Nothing heavy is imported here: `--help` and usage errors answer before
Keras, NumPy or OpenCV would have been loaded. Each subcommand is a module of
`keras_hypersphere.tools.commands` with `HELP`, `add_arguments(parser)` and
`run(arguments)`.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from keras_hypersphere.tools import quiet
from keras_hypersphere.tools.commands.document import error_document
from keras_hypersphere.version import __version__

SUBCOMMANDS = (
    "demo",
    "models",
    "convert",
    "verify",
    "embed",
    "identify",
    "gallery",
    "cluster",
    "align",
    "train",
    "evaluate",
)


class Parser(argparse.ArgumentParser):
    """Usage errors in one line on stderr, exit code 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (see `{self.prog} --help`)\n")

    def parse_known_args(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        """Refuses unknown arguments here, naming the subcommand's own help."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return known, unknown


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of all subcommands."""
    parser = Parser(
        prog="keras-hypersphere",
        description="Hypersphere face embedding for Keras 3.",
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}"
    )
    subcommands = parser.add_subparsers(
        dest="subcommand",
        metavar="SUBCOMMAND",
        required=True,
        parser_class=Parser,
    )
    for name in SUBCOMMANDS:
        command = importlib.import_module(
            f"keras_hypersphere.tools.commands.{name}"
        )
        subcommand = subcommands.add_parser(
            name, help=command.HELP, description=command.__doc__
        )
        command.add_arguments(subcommand)
        subcommand.add_argument(
            "--debug", action="store_true", help="show tracebacks"
        )
        subcommand.set_defaults(run=command.run)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Runs one subcommand. Returns 0 if it was done, 1 if it failed."""
    arguments = build_parser().parse_args(words)
    # Notices of TensorFlow and OpenCV would drown the one line that matters.
    if not arguments.debug:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    try:
        if not arguments.debug:
            quiet.quieten_keras()
        return arguments.run(arguments)
    except KeyboardInterrupt as stop:
        # A subcommand may say what is done.
        told = f": {stop}" if str(stop) else ""
        return report(arguments, stop, f"interrupted{told}")
    except BrokenPipeError:
        # The reader of stdout has left (`| head`): nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if arguments.debug:
            raise
        return report(arguments, error, one_line(error))


def report(
    arguments: argparse.Namespace, error: BaseException, said: str
) -> int:
    """Says what went wrong: to people, and with `--json` to programs."""
    if getattr(arguments, "json", False):
        print(error_document(arguments.subcommand, error, said))
    print(f"error: {said}", file=sys.stderr)
    return 1


def one_line(error: Exception) -> str:
    """The error's own words on one line, its type where it has none."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.strerror}: {error.filename}"
    words = " ".join(str(error).split())
    expected = isinstance(error, (ValueError, OSError))
    return words if words and expected else f"{type(error).__name__}: {words}"
