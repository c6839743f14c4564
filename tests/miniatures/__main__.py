"""Makes the zoo's miniatures: narrow networks with seeded weights.

Writes a weight file and a card for each, the same bytes every time.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

from tests.miniatures.miniature import FOLDER, MINIATURES


def main(words: "list[str] | None" = None) -> int:
    """Runs the command. Returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.miniatures",
        description=__doc__,
    )
    known = {miniature.name: miniature for miniature in MINIATURES}
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"which to make (default: all): {', '.join(known)}",
    )
    parser.add_argument(
        "--seed", type=int, help="of the weights (default: that of each)"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=FOLDER,
        help="folder for weights and cards (default: %(default)s)",
    )
    arguments = parser.parse_args(words)
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        parser.error(f"no miniature '{unknown[0]}' (see --help)")
    if arguments.seed is not None and arguments.seed < 0:
        parser.error(f"--seed must be 0 or more, not {arguments.seed}")
    folder = arguments.output
    # Late, since a usage error needs no Keras.
    from tests.miniatures.make_miniature import (
        make_miniature,
    )

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in arguments.names or known:
            miniature = known[name]
            if arguments.seed is not None:
                miniature = dataclasses.replace(miniature, seed=arguments.seed)
            card = make_miniature(miniature, folder)
            print(f"{card.weights_sha256}  {card.weights_file}", flush=True)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
