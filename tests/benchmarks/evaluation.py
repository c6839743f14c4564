"""How long LFW's 6,000 pairs take, from embeddings to a report.

    .venv/bin/python tests/benchmarks/evaluation.py [--size 512]

The goal: under 20 ms with the standard procedure, whose thresholds are exact.
Prints minimum and median of each procedure, and of a script of the usual
kind: 400 thresholds, each tried on every fold.
"""

import argparse
import functools
import statistics
import time
from collections.abc import Callable

import numpy as np

from keras_hypersphere.evaluation import lfw, val_far, verification_report

PAIRS, FOLDS = 6000, 10


def usual(left: np.ndarray, right: np.ndarray, same: np.ndarray) -> float:
    """Ten folds with a grid of thresholds."""
    left = left / np.linalg.norm(left, axis=1, keepdims=True)
    right = right / np.linalg.norm(right, axis=1, keepdims=True)
    distances = np.square(left - right).sum(axis=1)
    fold = np.arange(PAIRS) * FOLDS // PAIRS
    found = []
    for held in range(FOLDS):
        others = fold != held
        answers = [
            np.mean((distances[others] < limit) == same[others])
            for limit in np.arange(0, 4, 0.01)
        ]
        limit = 0.01 * int(np.argmax(answers))
        mine = fold == held
        found.append(np.mean((distances[mine] < limit) == same[mine]))
    return float(np.mean(found))


def times(function: Callable[[], object], runs: int) -> str:
    """Minimum and median in milliseconds."""
    took = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        took.append(1e3 * (time.perf_counter() - start))
    return f"{min(took):8.1f} {statistics.median(took):8.1f}"


def main() -> None:
    """Times each procedure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--runs", type=int, default=15)
    words = parser.parse_args()
    draw = np.random.default_rng(0)
    same = np.arange(PAIRS) // 300 % 2 == 0
    left = draw.standard_normal((PAIRS, words.size), np.float32)
    right = draw.standard_normal((PAIRS, words.size), np.float32)
    right[same] += 0.3 * left[same]
    scores = draw.normal(size=PAIRS) + same
    cases = {
        "lfw, standard": (functools.partial(lfw, left, right, same), 1),
        "the usual grid": (functools.partial(usual, left, right, same), 3),
        "verification_report": (
            functools.partial(verification_report, scores, same),
            1,
        ),
        "val_far": (functools.partial(val_far, left, right, same), 1),
        "lfw, sphereface": (
            functools.partial(lfw, left, right, same, protocol="sphereface"),
            5,
        ),
        "lfw, normface-pca": (
            functools.partial(lfw, left, right, same, protocol="normface-pca"),
            15,
        ),
    }
    print(f"{PAIRS} pairs of {words.size}: minimum and median in ms")
    for name, (function, rarely) in cases.items():
        function()
        print(f"{name:22}{times(function, max(1, words.runs // rarely))}")


if __name__ == "__main__":
    main()
