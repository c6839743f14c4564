"""How long it takes to index labels and to make batches of indices.

    .venv/bin/python tests/benchmarks/balanced_batches.py [labels]

Prints minimum and median of 7 runs; loading images is not part of it.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_hypersphere.data.balanced_batches import BalancedBatches

RUNS = 7
BATCHES = 100
# Name, identities, P, K, random negatives.
CASES = (
    ("10,000 identities, 32 x 8", 10_000, 32, 8, 0),
    ("50,000 identities, 32 x 8", 50_000, 32, 8, 0),
    ("50,000 identities, 45 x 38 + 90", 50_000, 45, 38, 90),
    ("500,000 identities, 128 x 4", 500_000, 128, 4, 0),
)


def seconds(function: Callable[[], Any]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def main() -> None:
    """Times each case."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"{count:,} labels, NumPy {np.__version__}; minimum (median)")
    print(f"{'':34}{'index':>18}{'a round begins':>22}{'a batch':>22}")
    for name, identities, p, k, negatives in CASES:
        draw = np.random.default_rng(0)
        labels = draw.integers(0, identities, count)
        index, begin, batch = [], [], []
        for run in range(RUNS):
            made = []
            index.append(
                seconds(
                    lambda labels=labels, made=made, p=p, k=k, n=negatives: (
                        made.append(
                            BalancedBatches(
                                labels, p, k, seed=0, random_negatives=n
                            )
                        )
                    )
                )
            )
            plan = made[0].plan
            begin.append(seconds(lambda plan=plan, run=run: plan.batch(run, 0)))
            took = seconds(
                lambda plan=plan, run=run: [
                    plan.batch(run, i) for i in range(1, BATCHES + 1)
                ]
            )
            batch.append(took / BATCHES)
        cells = (
            f"{min(t):.4f} ({statistics.median(t):.4f}) s"
            for t in (index, begin, batch)
        )
        print(f"{name:34}{''.join(f'{c:>22}' for c in cells)}")


if __name__ == "__main__":
    main()
