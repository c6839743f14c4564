"""Mutated models through the reader and the whole conversion.

    python -m tests.fuzz --cases 20000 --seed 0

Every case must be converted, or refused by one of our errors that names a
file, in under 5 seconds and 1 GB. Of every third, a converted model is given
to `verify` too, and must not differ. Cases run in worker processes; one that
takes its worker with it is a finding too, and the next worker goes on after
it. `--case N` makes one case, keeps its files, and shows what happens.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Tally:
    """What became of the cases.

    Attributes:
        outcomes: How many of each.
        findings: `(case, what is wrong)`.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.outcomes: collections.Counter = collections.Counter()
        self.findings: list[tuple[int, str]] = []
        self.lock = threading.Lock()

    def add(self, case: int, outcome: str, wrong: str) -> None:
        """Counts one, and says how far we are."""
        with self.lock:
            self.outcomes[outcome] += 1
            if wrong:
                self.findings.append((case, wrong))
                print(f"case {case}: {wrong}", file=sys.stderr)
            done = sum(self.outcomes.values())
            if done % 1000 == 0:
                print(f"{done} of {self.total}", file=sys.stderr)


def work(tally: Tally, first: int, last: int, step: int, seed: int) -> None:
    """Runs every `step`-th case, in one worker after the other."""
    while first < last:
        words = [str(word) for word in (first, last, step, seed)]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.worker", *words],
            cwd=ROOT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        errors: list[str] = []
        reader = threading.Thread(
            target=lambda lines=process.stderr, kept=errors: kept.extend(lines)
        )
        reader.start()
        running = False
        for line in process.stdout:
            result = json.loads(line)
            running = True
            if "outcome" in result:
                tally.add(first, result["outcome"], result["wrong"])
                first += step
        process.wait()
        reader.join()
        if process.returncode == 0:
            return
        last_words = "".join(errors[-30:])
        if not running:
            raise RuntimeError(last_words)
        tally.add(
            first,
            "worker died",
            f"the worker died with {process.returncode}: {last_words}",
        )
        first += step


def main() -> int:
    """Runs the cases. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--case", type=int, help="make and run this one only")
    arguments = parser.parse_args()
    if arguments.case is not None:
        return show(arguments.case, arguments.seed)
    start = time.monotonic()
    tally = Tally(arguments.cases)
    last = arguments.first + arguments.cases
    threads = [
        threading.Thread(
            target=work,
            args=(
                tally,
                arguments.first + index,
                last,
                arguments.workers,
                arguments.seed,
            ),
        )
        for index in range(arguments.workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = sum(tally.outcomes.values())
    for outcome, count in tally.outcomes.most_common():
        print(f"{outcome:24} {count:6}")
    print(
        f"{done} of {arguments.cases} cases of seed {arguments.seed} in "
        f"{time.monotonic() - start:.0f} s; {len(tally.findings)} findings"
    )
    return 1 if tally.findings or done < arguments.cases else 0


def show(case: int, seed: int) -> int:
    """Runs one case here."""
    from tests.fuzz.worker import run_case

    folder = Path(f"build/fuzz-{seed}-{case}")
    folder.mkdir(parents=True, exist_ok=True)
    outcome, wrong = run_case(case, folder, seed)
    print(f"{folder}: {outcome}\n{wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
