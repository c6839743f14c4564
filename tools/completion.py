"""Shell completion: `keras-hypersphere --print-completion bash`."""

import argparse
from typing import Any

from keras_hypersphere.tools.examples import walk

SHELLS = ("bash", "zsh", "tcsh")


class PrintCompletion(argparse.Action):
    """Prints what a shell needs to complete the words, and exits."""

    def __init__(self, option_strings: list[str], dest: str, **kwargs: Any):
        super().__init__(option_strings, dest, **{**kwargs, "choices": SHELLS})

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        try:
            import shtab
        except ImportError:
            parser.error(
                "--print-completion needs shtab: `pip install shtab`, or this "
                "package with the extra `completion`"
            )
        for _, each in walk(parser):
            for action in each._actions:
                # Of words that are none of a list, files are the best guess.
                if action.nargs != 0 and not action.choices:
                    action.complete = shtab.FILE  # type: ignore[attr-defined]
        print(shtab.complete(parser, shell=values))
        parser.exit()
