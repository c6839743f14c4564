"""Arguments that the subcommands share which embed photos."""

import argparse

# As `zoo.runtimes.RUNTIMES`, which would load Keras.
RUNTIMES = ("auto", "keras", "onnx", "openvino")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Adds which model embeds, and what computes it."""
    parser.add_argument(
        "--model",
        default="dlib-resnet",
        metavar="NAME",
        help="a model of `models`, a folder, or hf://owner/name (default: "
        "%(default)s)",
    )
    parser.add_argument(
        "--runtime",
        choices=RUNTIMES,
        default="auto",
        help="what computes the network: auto is Keras, and OpenVINO for many "
        "photos where it is installed (default: %(default)s)",
    )


def add_choose(parser: argparse.ArgumentParser) -> None:
    """Adds which of several faces is meant."""
    parser.add_argument(
        "--choose",
        choices=("largest", "center"),
        default="largest",
        help="which of several faces (default: %(default)s)",
    )
