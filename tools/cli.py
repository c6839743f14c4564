"""The command line: parses arguments, runs a subcommand, reports errors.

Nothing heavy is imported here: `--help` and usage errors answer before
Keras, NumPy or OpenCV would have been loaded. Each subcommand is a module of
`keras_hypersphere.tools.commands` with `HELP`, `add_arguments(parser)` and
`run(arguments)`.
"""

import argparse
import difflib
import importlib
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from keras_hypersphere.tools import quiet
from keras_hypersphere.tools.commands.document import error_document, one_line
from keras_hypersphere.tools.completion import PrintCompletion, Word
from keras_hypersphere.tools.examples import add_examples
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


class UsageError(SystemExit):
    """Words that no subcommand understands: exit code 2.

    Args:
        command: The subcommand, if it is known.
        said: What is wrong with them.
    """

    def __init__(self, command: str | None, said: str) -> None:
        super().__init__(2)
        self.command = command
        self.said = said


class Parser(argparse.ArgumentParser):
    """Usage errors in one line on stderr, exit code 2.

    Attributes:
        subcommands: what `add_subparsers` made, if it was called.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subcommands: Any = None
        self.register("action", None, Word)

    def add_subparsers(self, **kwargs: Any) -> Any:
        """As argparse; `tools.examples` walks what it made."""
        self.subcommands = super().add_subparsers(**kwargs)
        return self.subcommands

    def error(self, message: str) -> NoReturn:
        said = f"{message}{likely(message)} (see `{self.prog} --help`)"
        print(f"error: {said}", file=sys.stderr)
        _, _, command = self.prog.partition(" ")
        raise UsageError(command or None, said)

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


def likely(message: str) -> str:
    """`; did you mean …?`, if argparse names a word and what it may be."""
    match = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
    if not match:
        return ""
    words = re.findall(r"[\w.-]+", match[2])
    near = difflib.get_close_matches(match[1], words, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser of all subcommands."""
    parser = Parser(
        prog="keras-hypersphere",
        description="Hypersphere face embedding for Keras 3.",
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}"
    )
    parser.add_argument(
        "--print-completion",
        action=PrintCompletion,
        metavar="SHELL",
        help="print the completion of bash, zsh or tcsh, for "
        '`eval "$(keras-hypersphere --print-completion bash)"`',
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
        # A command of two words, such as `gallery build`, says so itself.
        subcommand.set_defaults(run=command.run, command=name)
    add_examples(parser)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Runs one subcommand. Returns 0 if it was done, 1 if it failed."""
    words = sys.argv[1:] if words is None else words
    if not words:
        build_parser().print_help()
        return 0
    try:
        return run(build_parser().parse_args(words))
    except UsageError as error:
        if "--json" in words:
            print(error_document(error.command, error, error.said))
        raise


def run(arguments: argparse.Namespace) -> int:
    """Runs a subcommand, and reports its errors."""
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
        print(error_document(arguments.command, error, said))
    print(f"error: {said}", file=sys.stderr)
    return 1
