"""How long the command line and the import take, in fresh processes.

    .venv/bin/python tests/benchmarks/startup.py

Prints minimum and median of alternated runs: `--help`, a usage error, an
empty interpreter, and `import keras` with and without ours.
"""

import statistics
import subprocess
import sys
import time

RUNS = 7
CASES = {
    "python -c pass": ["-c", "pass"],
    "keras-hypersphere --help": ["-m", "keras_hypersphere", "--help"],
    "usage error": ["-m", "keras_hypersphere", "no-such-subcommand"],
    "import keras": ["-c", "import keras"],
    "import keras_hypersphere, keras": [
        "-c",
        "import keras_hypersphere, keras",
    ],
}


def seconds(arguments: list[str]) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Alternates the cases, so that a busy moment hits all of them."""
    times = {name: [] for name in CASES}
    for run in range(RUNS + 1):
        for name, arguments in CASES.items():
            took = seconds(arguments)
            if run:  # the first run warms the caches
                times[name].append(took)
    print(f"{'case':34} {'minimum':>8} {'median':>8}")
    for name, took in times.items():
        print(f"{name:34} {min(took):7.3f}s {statistics.median(took):7.3f}s")
    added = [
        b - a
        for a, b in zip(
            times["import keras"],
            times["import keras_hypersphere, keras"],
            strict=True,
        )
    ]
    print(
        f"{'added to import keras (pairs)':34} {'':8} "
        f"{statistics.median(added):7.3f}s"
    )


if __name__ == "__main__":
    main()
