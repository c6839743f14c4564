"""Shell completion: `keras-hypersphere --print-completion bash`."""

import argparse
from typing import Any

SHELLS = ("bash", "zsh", "tcsh")


class Word(argparse.Action):
    """Stores a word, as argparse does by default, and is completed.

    `parser.register("action", None, Word)` puts it in the place of the
    default.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        setattr(namespace, self.dest, values)

    @property
    def complete(self) -> Any:
        """What shtab asks for: of words that no list names, files."""
        if self.choices:
            raise AttributeError("shtab completes the choices")
        import shtab

        return shtab.FILE


class PrintCompletion(argparse.Action):
    """Prints what a shell needs to complete the words, and exits."""

    def __init__(
        self, option_strings: list[str], dest: str, **kwargs: Any
    ) -> None:
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
        print(shtab.complete(parser, shell=values))
        parser.exit()
