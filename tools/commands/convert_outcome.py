"""What `keras-hypersphere convert` prints of a conversion."""

import argparse
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keras_hypersphere.tools.caffe import inspect
from keras_hypersphere.tools.caffe.conversion import Outcome
from keras_hypersphere.tools.commands.document import document
from keras_hypersphere.zoo.cards.cache import cache_folder


@contextmanager
def warnings_as_lines() -> Iterator[None]:
    """What is warned of goes to stderr, a line each."""

    def show(message: Warning | str, *_: Any) -> None:
        print(f"warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show  # type: ignore[assignment]
        yield


def show(outcome: Outcome, arguments: argparse.Namespace) -> None:
    """Prints results on stdout; a refusal goes to stderr.

    Args:
        outcome: What was done.
        arguments: The words of `convert`.
    """
    print(
        as_json(outcome, arguments)
        if arguments.json
        else text(outcome, arguments)
    )
    if outcome.picture:
        print(outcome.picture, file=sys.stderr)
    if fault := refusal(outcome, arguments):
        level = "warning" if outcome.kept else "error"
        print(f"{level}: {fault}", file=sys.stderr)


def refusal(outcome: Outcome, arguments: argparse.Namespace) -> str:
    """Why a model is not what it should be; empty if it is."""
    report = outcome.report
    if report is None or report.passed:
        return ""
    name = arguments.card or arguments.output or "the model"
    words = "written all the same" if outcome.kept else "not written"
    # An entry of the zoo is never forced.
    final = outcome.kept or arguments.card is not None
    hint = "" if final else "; --force writes it all the same"
    return f"{arguments.prototxt}: {name} is {words}: {report.summary()}{hint}"


def as_json(outcome: Outcome, arguments: argparse.Namespace) -> str:
    """The document."""
    card, report = outcome.card, outcome.report
    result = {
        "output": outcome.sha256 and arguments.output,
        "sha256": outcome.sha256,
        "entry": outcome.entry and outcome.entry.as_dict(),
        "inputs": card["inputs"],
        "outputs": card["outputs"],
        "parameters": card["parameters"],
        "multiply_adds": card["multiply_adds"],
        "imports": list(outcome.modules),
        "card": card,
        "layers": outcome.layers,
        "verification": report and report.to_dict(),
    }
    failures = {}
    if not outcome.kept and (fault := refusal(outcome, arguments)):
        failures[arguments.prototxt] = fault
    return document("convert", [result], failures)


def text(outcome: Outcome, arguments: argparse.Namespace) -> str:
    """The lines for people."""
    card, report, entry = outcome.card, outcome.report, outcome.entry
    lines = []
    if outcome.layers is not None:
        lines += [inspect.table(outcome.layers), ""]
    if report is not None:
        lines += [str(report), report.summary()]
    if outcome.sha256:
        costs = inspect.number(card["multiply_adds"]) or "no"
        lines.append(
            f"{arguments.output}: {card['parameters']:,} parameters, "
            f"{costs} multiply-adds, outputs {', '.join(card['outputs'])}"
        )
    if outcome.modules:
        lines.append(
            f"{arguments.output}: Keras loads it after "
            + " and ".join(f"`import {module}`" for module in outcome.modules)
            + ", which its layers need"
        )
    if entry is not None:
        lines.append(
            f"{cache_folder() / entry.weights_file}: {entry.name} is ready, "
            f"{entry.parameters:,} parameters; use it by --model {entry.name},"
            f" or FaceEmbedder.from_preset({entry.name!r})"
        )
    return "\n".join(lines)
