"""Converts a Caffe network to a .keras file.

The prototxt describes the network; the caffemodel holds its weights (without
one, layers start from their fillers). With --verify every blob is compared
with OpenCV 4's Caffe importer, or where that is absent or wrong with a NumPy
reference of each layer, and a model that disagrees is not written. The file
holds a card too: where it comes from, what it takes, what was verified.
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
        "--level",
        metavar="N",
        type=int,
        default=0,
        help="level, for layers with level rules (default: 0)",
    )
    parser.add_argument(
        "--input-shape",
        metavar="NAME=HxWxC",
        type=named_shape,
        action="append",
        default=[],
        help="shape of an input, such as data=112x96x3, where the prototxt "
        "has none or another; may be given for several",
    )
    parser.add_argument(
        "--preprocessing",
        action="store_true",
        help="let the model begin with the data layer's mean and scale",
    )
    parser.add_argument(
        "--inspect",
        action="store_true",
        help="print a table of the layers, and draw the model beside OUT",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="compare every blob before writing",
    )
    parser.add_argument(
        "--inputs",
        metavar="FILE",
        help="verify on these: .npy, or .npz with an array for each input "
        "(default: seeded noise)",
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


def named_shape(word: str) -> tuple[str, tuple[int, ...]]:
    """A blob's name and its shape, channels last."""
    name, _, sizes = word.partition("=")
    numbers = sizes.split("x")
    if not name or not all(n.isdecimal() and int(n) for n in numbers):
        raise argparse.ArgumentTypeError(
            f"{word} must be NAME=HxWxC, such as data=112x96x3"
        )
    return name, tuple(map(int, numbers))


def run(arguments: argparse.Namespace) -> int:
    """Converts, verifies, writes. Returns the exit code."""
    # What fails at once should say so at once.
    for path in (arguments.prototxt, arguments.caffemodel, arguments.inputs):
        if path is not None:
            open(path, "rb").close()
    if arguments.inputs is not None and not arguments.verify:
        raise ValueError("--inputs is for --verify; add it")
    if not arguments.output.parent.is_dir():
        raise FileNotFoundError(
            f"No such directory: {arguments.output.parent}; make it first"
        )
    if arguments.output.is_dir():
        raise IsADirectoryError(f"{arguments.output} is a directory")

    from keras_hypersphere.tools.caffe import make_card, write_card

    with tempfile.TemporaryDirectory(
        dir=arguments.output.parent, prefix=".convert-"
    ) as folder:
        saved = Path(folder) / arguments.output.name
        model = convert(arguments)
        model.save(saved)
        report = None
        if arguments.verify:
            # What the user will load is what is checked.
            report = check(saved, model, arguments)
        written = report is None or report.passed or arguments.force
        card = make_card(
            saved,
            arguments.prototxt,
            arguments.caffemodel,
            report,
            **state(arguments),
        )
        write_card(saved, card, report)
        show(model, saved, report, card, written, arguments)
        if written:
            saved.replace(arguments.output)
            draw(model, arguments)
    return 0 if written else 1


def state(arguments: argparse.Namespace) -> dict:
    """Which layers are included."""
    return {
        "phase": arguments.phase,
        "stages": arguments.stages,
        "level": arguments.level,
    }


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
            input_shapes=dict(arguments.input_shape),
            preprocessing=arguments.preprocessing,
            **state(arguments),
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


def check(saved: Path, model: object, arguments: argparse.Namespace) -> object:
    """Calls `verify` on the model that was saved, loaded again."""
    import warnings

    from keras_hypersphere.tools.caffe import verify

    inputs = None
    if arguments.inputs is not None:
        inputs = read_inputs(arguments.inputs, model)
    with warnings.catch_warnings():
        # The conversion has said it already.
        warnings.simplefilter("ignore", UserWarning)
        return verify(
            saved,
            arguments.prototxt,
            arguments.caffemodel,
            inputs,
            outputs=arguments.outputs,
            input_shapes=dict(arguments.input_shape),
            **state(arguments),
        )


def read_inputs(file: str, model: object) -> object:
    """Arrays of a file, channels-last: of Caffe's layout if only that fits."""
    import numpy as np

    from keras_hypersphere.tools.caffe.probe import in_caffe, to_keras_layout

    try:
        found = np.load(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"{file}: is no .npy or .npz file of numbers; write one with "
            "numpy.save or numpy.savez"
        ) from error
    if isinstance(found, np.ndarray):
        found = {model.inputs[0].name: found}
    sizes = {x.name: tuple(x.shape[1:]) for x in model.inputs}

    def fit(name: str, array: np.ndarray) -> np.ndarray:
        size = sizes.get(name, array.shape[1:])
        as_caffe = array.shape[1:] == in_caffe(size) != size
        return to_keras_layout(array) if as_caffe else array

    return {name: fit(name, array) for name, array in found.items()}


def show(
    model: object,
    saved: Path,
    report: object,
    card: dict,
    written: bool,
    arguments: argparse.Namespace,
) -> None:
    """Prints results on stdout; a refusal goes to stderr."""
    from keras_hypersphere.tools.caffe import inspect
    from keras_hypersphere.tools.caffe.card import hash_file

    if arguments.json:
        document = {
            "output": str(arguments.output) if written else None,
            "sha256": hash_file(saved) if written else None,
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
        if written:
            costs = inspect.number(card["multiply_adds"]) or "no"
            print(
                f"{arguments.output}: {card['parameters']:,} parameters, "
                f"{costs} multiply-adds, outputs "
                f"{', '.join(model.output_names)}"
            )
    if report is not None and not report.passed:
        outcome = "written all the same" if written else "not written"
        mend = "" if written else "; --force writes it all the same"
        print(
            f"{'warning' if written else 'error'}: {arguments.prototxt}: "
            f"{arguments.output} is {outcome}: {report.summary()}{mend}",
            file=sys.stderr,
        )


def draw(model: object, arguments: argparse.Namespace) -> None:
    """With --inspect, a picture; what became of it goes to stderr."""
    if not arguments.inspect:
        return
    from keras_hypersphere.tools.caffe import inspect

    picture = arguments.output.with_suffix(".png")
    print(inspect.draw(model, picture), file=sys.stderr)
