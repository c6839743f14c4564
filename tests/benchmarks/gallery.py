"""Queries a second and recall of galleries by index, next to faiss alone.

    .venv/bin/python tests/benchmarks/gallery.py --rows 1000000

Rows are unit vectors in clusters: people lie around 1,000 centers, photos
around their people. A query is another photo of somebody. Recall@1 is the
share of queries whose nearest row is that of all rows. faiss alone is
`index.search(query, 1)` of the gallery's own index, one query at a time as
`Gallery.nearest` is called; it neither re-ranks nor groups by people.
"""

import argparse
import os
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import faiss
import numpy as np

from keras_hypersphere.zoo.faces.distance import unit_rows
from keras_hypersphere.zoo.faces.enrolled import Enrolled
from keras_hypersphere.zoo.faces.face_index import FaceIndex
from keras_hypersphere.zoo.faces.indexed_search import IndexedSearch
from keras_hypersphere.zoo.faces.search import Search

CENTERS, PART = 1000, 100_000


def draw_faces(
    rows: int, dim: int, photos: int, queries: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and queries of their people; in parts, to keep memory low."""
    draw = np.random.default_rng(0)
    centers = draw.standard_normal((CENTERS, dim), np.float32)
    found = np.empty((rows, dim), np.float32)
    people = np.empty((rows // photos + 1, dim), np.float32)
    for start in range(0, len(people), PART):
        part = people[start : start + PART]
        part[:] = centers[draw.integers(CENTERS, size=len(part))]
        part += draw.standard_normal(part.shape, np.float32)
    for start in range(0, rows, PART):
        part = found[start : start + PART]
        part[:] = people[np.arange(start, start + len(part)) // photos]
        part += 0.7 * draw.standard_normal(part.shape, np.float32)
        part[:] = unit_rows(part)
    asked = people[draw.integers(len(people) - 1, size=queries)]
    asked = asked + 0.7 * draw.standard_normal(asked.shape, np.float32)
    return found, unit_rows(asked)


def nearest_rows(rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The nearest row of each query, of all."""
    best = np.full(len(queries), -np.inf, np.float32)
    place = np.zeros(len(queries), int)
    for start in range(0, len(rows), PART):
        scores = queries @ rows[start : start + PART].T
        found = scores.argmax(axis=1)
        score = scores[np.arange(len(queries)), found]
        better = score > best
        best[better], place[better] = score[better], found[better] + start
    return place


def main() -> None:
    """Builds each index, times it and faiss in turns, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--slow-queries", type=int, default=40)
    parser.add_argument(
        "--indexes",
        nargs="+",
        default=["exact", "Flat", "SQ8", "IVF4096,SQ8", "IVF4096,PQ64"],
    )
    words = parser.parse_args()
    vectors, queries = draw_faces(
        words.rows, words.dim, words.photos, words.queries
    )
    truth = nearest_rows(vectors, queries)
    names = [str(row // words.photos) for row in range(words.rows)]
    places = [str(row) for row in range(words.rows)]
    rows = Enrolled(vectors, names, places, places)
    print(
        f"{words.rows:,} rows of {words.dim}, {words.photos} a person; faiss "
        f"{faiss.__version__}; load {os.getloadavg()[0]:.1f}\n"
    )
    print(
        "| index | made in | bytes a row | Gallery: queries a second "
        "| recall@1 | faiss alone | recall@1 |\n|---|---|---|---|---|---|---|"
    )
    for kind in words.indexes:
        start = time.perf_counter()
        index = None
        search = Search(rows, "cosine")
        if kind != "exact":
            index = FaceIndex(kind, "cosine", words.dim)
            search = IndexedSearch(rows, "cosine", index)
            start = time.perf_counter()
            assert index.ready(vectors), "too few rows for this index"
        search.nearest(queries[0], 1)
        made = time.perf_counter() - start
        some = words.queries if "IVF" in kind else words.slow_queries
        ours = alone = 0.0
        hits = own_hits = 0
        for place, query in zip(truth[:some], queries, strict=False):
            start = time.perf_counter()
            match = search.nearest(query, 1)[0]
            ours += time.perf_counter() - start
            hits += match.photo == str(place)
            if index is not None:
                start = time.perf_counter()
                row = index._faiss.search(query[None], 1)[1][0, 0]
                alone += time.perf_counter() - start
                own_hits += row == place
        size, other = "0", "| |"
        if index is not None:
            size = (
                f"{faiss.serialize_index(index._faiss).nbytes / len(rows):.0f}"
            )
            other = f"{some / alone:.0f} | {own_hits / some:.3f} |"
        print(
            f"| `{kind}` | {made:.1f} s | {size} | {some / ours:.0f} "
            f"| {hits / some:.3f} | {other}",
            flush=True,
        )
        del search, index
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\npeak memory {peak:.1f} GB; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
