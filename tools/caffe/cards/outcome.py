"""What `keras-hypersphere convert` prints of a conversion."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import keras

from keras_hypersphere.tools.caffe import inspect
from keras_hypersphere.tools.caffe.cards.card import hash_file
from keras_hypersphere.tools.caffe.verification.report import Verification
from keras_hypersphere.zoo.cards.cache import cache_folder
from keras_hypersphere.zoo.cards.card import Card


def show(
    model: keras.Model,
    saved: Path,
    report: Verification | None,
    card: dict[str, Any],
    entry: Card | None,
    written: bool,
    arguments: argparse.Namespace,
) -> None:
    """Prints results on stdout; a refusal goes to stderr.

    Args:
        model: The converted model.
        saved: Its file, before it is moved.
        report: What `verify` said, if it was asked.
        card: What `make_card` returned.
        entry: The finished card of the zoo, if there was to be one.
        written: Whether the model is kept.
        arguments: The words of `convert`.
    """
    kept = written and arguments.output is not None
    if arguments.json:
        document = {
            "output": str(arguments.output) if kept else None,
            "sha256": hash_file(saved) if kept else None,
            "entry": entry.as_dict() if entry and written else None,
            "inputs": {x.name: list(x.shape) for x in model.inputs},
            "outputs": {
                name: list(x.shape)
                for name, x in zip(
                    model.output_names, model.outputs, strict=True
                )
            },
            "parameters": card["parameters"],
            "multiply_adds": card["multiply_adds"],
            "card": card,
            "layers": inspect.layers(model) if arguments.inspect else None,
            "verification": report.to_dict() if report else None,
        }
        print(json.dumps(document, indent=2))
    else:
        if arguments.inspect:
            print(inspect.table(model), end="\n\n")
        if report is not None:
            print(report)
            print(report.summary())
        if kept:
            costs = inspect.number(card["multiply_adds"]) or "no"
            print(
                f"{arguments.output}: {card['parameters']:,} parameters, "
                f"{costs} multiply-adds, outputs "
                f"{', '.join(model.output_names)}"
            )
        if entry is not None and written:
            print(
                f"{cache_folder() / entry.weights_file}: {entry.name} is "
                f"ready, {entry.parameters:,} parameters; use it by --model "
                f"{entry.name}, or FaceEmbedder.from_preset({entry.name!r})"
            )
    if report is not None and not report.passed:
        outcome = "written all the same" if written else "not written"
        # An entry of the zoo is never forced.
        final = written or arguments.card is not None
        hint = "" if final else "; --force writes it all the same"
        name = arguments.card or arguments.output
        print(
            f"{'warning' if written else 'error'}: {arguments.prototxt}: "
            f"{name} is {outcome}: {report.summary()}{hint}",
            file=sys.stderr,
        )


def draw(
    model: keras.Model, folder: Path, arguments: argparse.Namespace
) -> None:
    """With --inspect, a picture; what became of it goes to stderr.

    Args:
        model: The converted model.
        folder: Where files are written before they are complete.
        arguments: The words of `convert`.
    """
    if not arguments.inspect:
        return
    picture = arguments.output.with_suffix(".png")
    print(inspect.draw(model, picture, folder), file=sys.stderr)
