"""How many photos a second are searched for faces, one by one and together.

    .venv/bin/python tests/benchmarks/detection.py [FOLDER] [--photos 64]

Photos are those of a folder, such as ../shared/lfw/images, or else the two
packaged portraits again and again; all are resized to LFW's 250 x 250. They
are read before the clock starts. Prints, for each way in turns, the best and
the median of the runs, and whether both ways find the same faces.
"""

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import keras
import numpy as np

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.alignment import Face, detect, detect_many

SIDE = 250
TOGETHER = 8
PORTRAITS = Path(images.__file__).parent / "samples"


def square(path: Path) -> np.ndarray:
    """The middle of a photo at LFW's size."""
    photo = images.read(path, partial=True)
    side = min(photo.shape[:2])
    top, left = ((length - side) // 2 for length in photo.shape[:2])
    return cv2.resize(
        photo[top : top + side, left : left + side],
        (SIDE, SIDE),
        interpolation=cv2.INTER_AREA,
    )


def photos_of(folder: Path, count: int) -> list[np.ndarray]:
    """So many photos, spread over a folder; fewer are used again."""
    paths = images.files_in(folder)
    if not paths:
        raise SystemExit(f"error: the folder '{folder}' has no pictures")
    paths = paths[:: max(1, len(paths) // count)]
    return [
        square(path) for path in itertools.islice(itertools.cycle(paths), count)
    ]


def one_by_one(photos: list[np.ndarray]) -> list[list[Face]]:
    """Each photo alone."""
    return [detect(photo) for photo in photos]


def together(photos: list[np.ndarray]) -> list[list[Face]]:
    """Batches of eight."""
    return [
        faces
        for start in range(0, len(photos), TOGETHER)
        for faces in detect_many(photos[start : start + TOGETHER])
    ]


def farthest(
    one: list[list[Face]], other: list[list[Face]]
) -> tuple[int, float]:
    """Photos with as many faces both ways; the most a landmark moves."""
    equal = [
        pair
        for pair in zip(one, other, strict=True)
        if len(set(map(len, pair))) == 1
    ]
    moved = [
        np.abs(a.landmarks - b.landmarks).max()
        for pair in equal
        for a, b in zip(*(by_place(faces) for faces in pair), strict=True)
    ]
    return len(equal), max(moved, default=0.0)


def by_place(faces: list[Face]) -> list[Face]:
    """From left to right: equal confidences may come in any order."""
    return sorted(faces, key=lambda face: face.center)


def main() -> None:
    """Searches the photos both ways, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=PORTRAITS)
    parser.add_argument("--photos", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    words = parser.parse_args()
    photos = photos_of(words.folder, words.photos)
    ways: dict[str, Callable] = {
        "one by one": one_by_one,
        f"batches of {TOGETHER}": together,
    }
    # The first search builds the detector and its graphs.
    found = {name: way(photos) for name, way in ways.items()}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(words.runs):
        for name, way in ways.items():
            start = time.perf_counter()
            way(photos)
            rates[name].append(len(photos) / (time.perf_counter() - start))
    print(
        f"{len(photos)} photos of {SIDE} x {SIDE}, {words.runs} runs, Keras "
        f"{keras.__version__} on {keras.config.backend()}"
    )
    print(f"{'photos a second':18}{'best':>8}{'median':>8}{'faces':>8}")
    for name, measured in rates.items():
        faces = sum(len(each) for each in found[name])
        median = statistics.median(measured)
        print(f"{name:18}{max(measured):8.1f}{median:8.1f}{faces:8d}")
    equal, moved = farthest(*found.values())
    print(
        f"as many faces both ways in {equal} of {len(photos)} photos; their "
        f"landmarks differ by {moved:.2f} pixels at most"
    )


if __name__ == "__main__":
    main()
