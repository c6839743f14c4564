"""How often a gallery names impostors, and misses whom it knows.

    .venv/bin/python tests/benchmarks/open_set.py ../shared/lfw/images
    .venv/bin/python tests/benchmarks/open_set.py --embeddings lfw.npz

FOLDER holds a folder of photos for each person, as LFW does; its photos are
embedded, of several faces the one nearest to the middle. `--embeddings` is a
file of `keras-hypersphere embed FOLDER -o lfw.npz --choose center` instead.

Protocol, 20 draws for each size: so many people are drawn for the gallery,
of those with three photos or more as long as there are some. These are
enrolled with all but their last photo, and are looked for with that; others
are enrolled with all theirs. 300 other people, with any number of photos, are
impostors with one photo each. The card's rates are replaced by those
of pairs of the people who are left: neither they nor the thresholds have seen
a probe or an impostor. Printed are means over the draws: impostors who are
named, known people who are named right, and wrong.

Then faces of 667 people, drawn five times, are grouped at the threshold of
`keras-hypersphere cluster`: how many groups there are, which share of the
pairs in one group are of one person, and which share of the pairs of one
person are in one group.
"""

import argparse
import dataclasses
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from keras_hypersphere.evaluation import cluster
from keras_hypersphere.zoo import FaceEmbedder, Gallery, get_card
from keras_hypersphere.zoo.faces.open_set import grouping_threshold
from keras_hypersphere.zoo.faces.verification import find_threshold

SIZES = (10, 100, 600, 1000)
DRAWS, IMPOSTORS = 20, 300
GROUPED, GROUPINGS = 667, 5
# Thresholds of the curve, and the photos that its pairs are of.
POINTS, PHOTOS = 400, 3000
# The most impostors, and the fewest known people, of each size.
GOALS = {10: (0.03, 0.0), 100: (0.02, 0.98), 600: (0.02, 0.98)}
GOALS[1000] = GOALS[600]
WAYS = ("card's threshold", "own people", "card's rates", "both")


@dataclasses.dataclass
class Faces:
    """Embeddings, the place of each person's rows, and the card."""

    vectors: np.ndarray
    rows: list[np.ndarray]
    card: Any


def read_faces(arguments: argparse.Namespace) -> Faces:
    """Embeds the folder, or reads the file."""
    if arguments.embeddings:
        with np.load(arguments.embeddings) as file:
            names = file["names"].tolist()
            vectors = file[file.files[0]]
        card = get_card(arguments.model)
    else:
        embedder = FaceEmbedder.from_preset(arguments.model)
        found = embedder.embed(
            Path(arguments.folder), details=True, choose="center", progress=True
        )
        names, vectors, card = found.names, found.vectors, embedder.card
        print(f"{len(found.failures)} photos failed")
    people: dict[str, list[int]] = {}
    whole = np.isfinite(vectors).all(axis=1)
    for row in sorted(np.flatnonzero(whole), key=lambda row: names[row]):
        people.setdefault(Path(names[row]).parent.name, []).append(int(row))
    rows = [np.array(each) for each in people.values()]
    return Faces(np.asarray(vectors, np.float32), rows, card)


def distance_matrix(vectors: np.ndarray, kind: str) -> np.ndarray:
    """All pairs, by one product."""
    rows = vectors.astype(np.float64)
    if kind == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return 1.0 - rows @ rows.T
    squares = np.einsum("ij,ij->i", rows, rows)
    matrix = squares[:, None] + squares - 2 * rows @ rows.T
    matrix = np.maximum(matrix, 0.0)
    return np.sqrt(matrix) if kind == "l2" else matrix


def curve_of(faces: Faces, people: np.ndarray) -> tuple[dict, ...]:
    """The rates of all pairs of some people's photos, as cards have them."""
    rows = np.concatenate([faces.rows[person] for person in people])[:PHOTOS]
    owner = np.repeat(people, [len(faces.rows[p]) for p in people])[:PHOTOS]
    away = distance_matrix(faces.vectors[rows], faces.card.distance)
    pair = np.triu_indices(len(rows), 1)
    same = owner[pair[0]] == owner[pair[1]]
    away = away[pair]
    others, own = np.sort(away[~same]), np.sort(away[same])
    places = np.linspace(own[0], np.quantile(others, 0.5), POINTS)
    return tuple(
        {
            "threshold": float(place),
            "far": float(np.searchsorted(others, place) / len(others)),
            "frr": float(1 - np.searchsorted(own, place) / len(own)),
        }
        for place in places
    )


def gallery_of(faces: Faces, people: np.ndarray, **fields: Any) -> Gallery:
    """Those with three photos or more without their last one."""
    enrolled = [
        faces.rows[p][:-1] if len(faces.rows[p]) > 2 else faces.rows[p]
        for p in people
    ]
    card = SimpleNamespace(**{**vars(faces.card), "rates": (), **fields})
    rows = np.concatenate(enrolled)
    names = np.repeat(people, [len(each) for each in enrolled])
    return Gallery(
        SimpleNamespace(card=card),
        faces.vectors[rows],
        [str(name) for name in names],
        [str(row) for row in rows],
    )


def draw(faces: Faces, size: int, seed: int) -> dict[str, list[float]]:
    """One draw: threshold, impostors named, known right and wrong."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(faces.rows))
    enough = np.array([len(faces.rows[person]) > 2 for person in order])
    order = np.concatenate([order[enough], order[~enough]])
    order[size:] = random.permutation(order[size:])
    known, impostors = order[:size], order[size : size + IMPOSTORS]
    curve = curve_of(faces, order[size + IMPOSTORS :])
    both = gallery_of(faces, known, rates=curve)
    thresholds = {
        "card's threshold": find_threshold(faces.card),
        "own people": gallery_of(faces, known, threshold=9.0).threshold(),
        "card's rates": grouping_threshold(
            both.embedder.card, len(both.photos) + 1, 0.01
        ),
        "both": both.threshold(),
    }
    probes = [p for p in known if len(faces.rows[p]) > 2]
    nearest = [
        both.nearest(faces.vectors[faces.rows[p][-1]], 1)[0] for p in probes
    ]
    right = np.array(
        [m.name == str(p) for m, p in zip(nearest, probes, strict=True)], bool
    )
    away = np.array([match.distance for match in nearest], float)
    strange = np.array(
        [
            both.nearest(faces.vectors[faces.rows[p][0]], 1)[0].distance
            for p in impostors
        ]
    )
    return {
        way: [
            t,
            (strange < t).sum(),
            len(strange),
            (right & (away < t)).sum(),
            (~right & (away < t)).sum(),
            len(probes),
        ]
        for way, t in thresholds.items()
    }


def group(faces: Faces, seed: int) -> tuple[float, ...]:
    """Groups of so many people's photos."""
    order = np.random.default_rng(seed).permutation(len(faces.rows))
    people = order[:GROUPED]
    curve = curve_of(faces, order[GROUPED:])
    card = SimpleNamespace(**{**vars(faces.card), "rates": curve})
    rows = np.concatenate([faces.rows[p] for p in people])
    owner = np.repeat(people, [len(faces.rows[p]) for p in people])
    threshold = grouping_threshold(card, len(rows), 0.01)
    groups = cluster(faces.vectors[rows], threshold, card.distance)
    pair = np.triu_indices(len(rows), 1)
    one_group = groups[pair[0]] == groups[pair[1]]
    same = owner[pair[0]] == owner[pair[1]]
    good = (one_group & same).sum()
    return (
        len(rows),
        groups.max() + 1,
        threshold,
        good / one_group.sum(),
        good / same.sum(),
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", metavar="FOLDER")
    parser.add_argument("--embeddings", metavar="FILE.npz")
    parser.add_argument("--model", default="sface")
    arguments = parser.parse_args()
    if not arguments.folder and not arguments.embeddings:
        parser.error("name a FOLDER of people, or --embeddings")
    faces = read_faces(arguments)
    enough = sum(len(rows) > 2 for rows in faces.rows)
    print(
        f"{faces.card.name}: {sum(map(len, faces.rows))} photos of "
        f"{len(faces.rows)} people, {enough} with three or more\n"
    )
    print(
        "| people | threshold by | distance | impostors named | ",
        end="",
    )
    print("known right | wrong |\n|---|---|---|---|---|---|")
    for size in SIZES:
        if size + IMPOSTORS + 100 > len(faces.rows):
            print(f"| {size} | too few people |")
            continue
        start = time.perf_counter()
        draws = [draw(faces, size, seed) for seed in range(DRAWS)]
        for way in WAYS:
            t, named, strange, right, wrong, probes = np.sum(
                [each[way] for each in draws], axis=0
            )
            print(
                f"| {size} | {way} | {t / DRAWS:.3f} | {named / strange:.1%} "
                f"| {right / probes:.1%} | {wrong / probes:.1%} |"
            )
        most, least = GOALS[size]
        met = named / strange <= most and right / probes >= least
        print(
            f"goal: at most {most:.0%} and at least {least:.0%}: "
            f"{'reached' if met else 'MISSED'}; {probes:.0f} probes, "
            f"{time.perf_counter() - start:.0f} s"
        )
    if len(faces.rows) < GROUPED + 100:
        return
    print("\n| faces | people | groups | threshold | precision | recall |")
    print("|---|---|---|---|---|---|")
    for seed in range(GROUPINGS):
        count, groups, t, precision, recall = group(faces, seed)
        print(
            f"| {count:.0f} | {GROUPED} | {groups:.0f} | {t:.3f} | "
            f"{precision:.1%} | {recall:.1%} |"
        )


if __name__ == "__main__":
    main()
