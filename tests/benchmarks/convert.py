"""How long a conversion takes, and how much memory, at full size.

    .venv/bin/python tests/benchmarks/convert.py

Makes SphereFace-20, CenterFace and VGG-16 with random weights in a folder
that is deleted again (about 800 MB). Each run is a process of its own that
has imported what it needs; runs take turns, and minima are compared:

* `to_keras` next to building the same network by hand in Keras, and
  `cv2.dnn.readNetFromCaffe`;
* the growth of the process' peak memory, next to the file's size.

The goals: time within that by hand + 3 times OpenCV's; memory within 3 times
the file; VGG-16 within 6 GB.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from convert_networks import NETWORKS, build, write

WAYS = ("to_keras", "by hand", "OpenCV")
MEGA = 10**6


def peak() -> int:
    """Bytes that this process held at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def job(way: str, network: str, folder: Path) -> Callable[[], object]:
    """What a run does, once everything is imported."""
    prototxt, model = folder / "net.prototxt", folder / "net.caffemodel"
    if way == "OpenCV":
        import cv2

        return lambda: cv2.dnn.readNetFromCaffe(str(prototxt), str(model))
    import keras

    # The backend wakes up at the first tensor, whoever makes it.
    keras.ops.zeros(1)
    if way == "by hand":
        return lambda: build(NETWORKS[network]())
    from keras_hypersphere.tools import caffe

    return lambda: caffe.to_keras(prototxt, model)


def run(way: str, network: str, folder: Path) -> None:
    """One run; prints seconds and bytes."""
    if way == "write":
        write(NETWORKS[network](), folder)
        return
    work = job(way, network, folder)
    before, began = peak(), time.perf_counter()
    kept = work()
    seconds = time.perf_counter() - began
    print(json.dumps([seconds, peak() - before, before]))
    del kept


def start(way: str, network: str, folder: Path) -> str:
    """Runs `run` in a process of its own; returns what it prints."""
    return subprocess.run(
        [sys.executable, __file__, "--one", way, network, str(folder)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    ).stdout


def measure(network: str, folder: Path, runs: int) -> dict[str, list]:
    """Results of all ways, which take turns."""
    results = {way: [] for way in WAYS}
    for _ in range(runs):
        for way in WAYS:
            printed = start(way, network, folder).splitlines()[-1]
            results[way].append(json.loads(printed))
    return results


def row(network: str, folder: Path, runs: int) -> str:
    """One line of the table."""
    # In a process of its own: its memory goes back.
    start("write", network, folder)
    size = (folder / "net.caffemodel").stat().st_size
    results = measure(network, folder, runs)
    ours, hand, opencv = (
        min(seconds for seconds, *_ in results[way]) for way in WAYS
    )
    grown = max(bytes for _, bytes, _ in results["to_keras"])
    whole = max(before + bytes for _, bytes, before in results["to_keras"])
    cells = (
        f"{network}, {size / MEGA:.0f} MB",
        f"{ours:.2f} s",
        f"{hand:.2f} s",
        f"{opencv:.2f} s",
        f"{ours / (hand + 3 * opencv):.2f}",
        f"{grown / MEGA:.0f} MB",
        f"{grown / size:.2f}",
        f"{whole / MEGA:.0f} MB",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument(
        "--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS)
    )
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        way, network, folder = arguments.one
        run(way, network, Path(folder))
        return
    import cv2
    import keras
    import numpy as np

    print(
        f"Python {platform.python_version()}, Keras {keras.__version__} on "
        f"{keras.backend.backend()}, NumPy {np.__version__}, OpenCV "
        f"{cv2.__version__}; minimum of {arguments.runs} runs"
    )
    print()
    print(
        "| network | `to_keras` | by hand | OpenCV | time / (by hand + 3 x "
        "OpenCV) | memory | memory / file | whole process |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for network in arguments.networks:
        with tempfile.TemporaryDirectory() as folder:
            print(row(network, Path(folder), arguments.runs), flush=True)


if __name__ == "__main__":
    main()
