"""Converts a Caffe network to a .keras file.

The prototxt describes the network; the caffemodel holds its weights (without
one, layers start from their fillers). With --verify every blob is compared
with OpenCV 4's Caffe importer, and a model that disagrees is not written.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

HELP = "convert a Caffe network to a .keras file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Words of this verb."""
    parser.add_argument(
        "prototxt", metavar="PROTOTXT", help="the network, as text"
    )
    parser.add_argument(
        "caffemodel",
        metavar="CAFFEMODEL",
        nargs="?",
        help="its weights, binary",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT.keras",
        type=keras_file,
        required=True,
        help="file to write; one that is there is replaced",
    )
    parser.add_argument(
        "--outputs",
        metavar="A,B",
        type=listed,
        help="blobs that the model returns (default: the network's outputs)",
    )
    parser.add_argument(
        "--phase",
        choices=("TEST", "TRAIN"),
        default="TEST",
        help="which layers are included (default: TEST)",
    )
    parser.add_argument(
        "--stages",
        metavar="A,B",
        type=listed,
        default=(),
        help="stages that are set, for layers with stage rules",
    )
    parser.add_argument(
        "--inspect", action="store_true", help="print a table of the layers"
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare every blob with OpenCV 4 before writing",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="write the model even if it is not verified",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document"
    )


def keras_file(word: str) -> Path:
    """A path that Keras knows how to write."""
    if not word.endswith(".keras"):
        raise argparse.ArgumentTypeError(f"{word} must end in .keras")
    return Path(word)


def listed(word: str) -> list[str]:
    """Names between commas."""
    return [name for name in word.split(",") if name]


def run(arguments: argparse.Namespace) -> int:
    """Converts, verifies, writes. Returns the exit code."""
    # Before Keras is loaded: what fails at once should say so at once.
    for path in (arguments.prototxt, arguments.caffemodel):
        if path is not None:
            open(path, "rb").close()
    if not arguments.output.parent.is_dir():
        raise FileNotFoundError(
            f"No such directory: {arguments.output.parent}; make it first"
        )
    if arguments.output.is_dir():
        raise IsADirectoryError(f"{arguments.output} is a directory")

    import keras

    with tempfile.TemporaryDirectory(
        dir=arguments.output.parent, prefix=".convert-"
    ) as folder:
        saved = Path(folder) / arguments.output.name
        model = convert(arguments)
        model.save(saved)
        report = None
        if arguments.verify:
            # What the user will load is what is checked.
            report = check(keras.models.load_model(saved), arguments)
        written = report is None or report.passed or arguments.force
        show(model, report, written, arguments)
        if written:
            saved.replace(arguments.output)
    return 0 if written else 1


def convert(arguments: argparse.Namespace) -> object:
    """Calls `to_keras`; what it warns of goes to stderr, a line each."""
    import warnings

    from keras_hypersphere.tools.caffe import to_keras

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        model = to_keras(
            arguments.prototxt,
            arguments.caffemodel,
            outputs=arguments.outputs,
            phase=arguments.phase,
            stages=arguments.stages,
        )
    if arguments.caffemodel is None:
        print(
            "warning: no CAFFEMODEL was given: layers start from their fillers",
            file=sys.stderr,
        )
    for warning in caught:
        if issubclass(warning.category, UserWarning):
            print(f"warning: {warning.message}", file=sys.stderr)
    return model


def check(model: object, arguments: argparse.Namespace) -> object:
    """Calls `verify` on the model that was saved and loaded."""
    import warnings

    from keras_hypersphere.tools.caffe import verify

    with warnings.catch_warnings():
        # The conversion has said it already.
        warnings.simplefilter("ignore", UserWarning)
        return verify(
            model,
            arguments.prototxt,
            arguments.caffemodel,
            outputs=arguments.outputs,
            phase=arguments.phase,
            stages=arguments.stages,
        )


def show(
    model: object,
    report: object,
    written: bool,
    arguments: argparse.Namespace,
) -> None:
    """Prints results on stdout; a refusal goes to stderr."""
    from keras_hypersphere.tools.caffe import inspect

    if arguments.json:
        document = {
            "output": str(arguments.output) if written else None,
            "inputs": {x.name: list(x.shape) for x in model.inputs},
            "outputs": {
                name: list(x.shape)
                for name, x in zip(
                    model.output_names, model.outputs, strict=True
                )
            },
            "parameters": model.count_params(),
            "layers": inspect.layers(model) if arguments.inspect else None,
            "verification": report.to_dict() if report else None,
        }
        print(json.dumps(document, indent=2))
    else:
        if arguments.inspect:
            print(inspect.table(model))
        if report is not None:
            print(report)
            print(report.summary())
        if written:
            print(
                f"{arguments.output}: {model.count_params():,} parameters, "
                f"outputs {', '.join(model.output_names)}"
            )
    if report is not None and not report.passed:
        outcome = "written all the same" if written else "not written"
        mend = "" if written else "; --force writes it all the same"
        print(
            f"{'warning' if written else 'error'}: {arguments.prototxt}: "
            f"{arguments.output} is {outcome}: {report.summary()}{mend}",
            file=sys.stderr,
        )
