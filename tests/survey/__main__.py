"""`python -m tests.survey FOLDER`: how many networks below a folder convert.

Each distinct prototxt goes through reading, graph and types, is converted
with random weights, and verified. Where its error advises an option, the
option is tried, and the network counts if it is verified then.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.survey.files import find_networks
from tests.survey.table import lines, summarize
from tests.survey.worker import survey

SECONDS = 300.0


def main() -> int:
    """Runs the survey. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--every", type=int, default=1, help="a part of them")
    parser.add_argument(
        "--no-verify", action="store_true", help="convert, and no more"
    )
    parser.add_argument("--json", type=Path, help="write the outcomes here")
    parser.add_argument(
        "--journal",
        type=Path,
        help="append each outcome here at once; what it holds is not run again",
    )
    arguments = parser.parse_args()
    folder, verified = arguments.folder, not arguments.no_verify
    files, others = find_networks(folder)
    if not files:
        print(f"error: {folder} has no prototxt of a network", file=sys.stderr)
        return 1
    outcomes = survey(
        files[:: arguments.every],
        verified,
        arguments.workers,
        arguments.seconds,
        arguments.journal,
    )
    found = summarize(outcomes, others, folder)
    print("\n".join(lines(found, "verified" if verified else "converted")))
    if arguments.json:
        rows = {
            str(file.relative_to(folder)): outcome
            for file, outcome in outcomes.items()
        }
        text = json.dumps({**found, "outcomes": rows}, indent=1)
        arguments.json.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
