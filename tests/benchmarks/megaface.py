"""What MegaFace's protocol costs next to the product of matrices in it.

    .venv/bin/python tests/benchmarks/megaface.py [--distractors 100000]

The goal: 80 % or more of the rate of float32 products, measured in the same
process and in turns. `--distractors 1000000` is the published size; the
gallery is then a file that is mapped. `--faiss` adds faiss's flat index.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_hypersphere.evaluation import megaface
from keras_hypersphere.evaluation.comparison import Comparison

PERSONS = 80
SIDE = 2048
WRITTEN = 50_000
BLOCK = 4096


def timed(function: Callable[[], object]) -> tuple[float, object]:
    """Wall time of one call, and what it gave."""
    start = time.perf_counter()
    found = function()
    return time.perf_counter() - start, found


def faces(count: int, size: int, seed: int) -> np.ndarray:
    """Embeddings of distractors."""
    draw = np.random.default_rng(seed)
    return draw.standard_normal((count, size), np.float32)


def write_gallery(path: Path, count: int, size: int) -> np.memmap:
    """A file of embeddings, made piece by piece."""
    gallery = np.lib.format.open_memmap(path, "w+", np.float32, (count, size))
    for start in range(0, count, WRITTEN):
        part = gallery[start : start + WRITTEN]
        part[:] = faces(len(part), size, start)
    gallery.flush()
    return np.load(path, mmap_mode="r")


def square(side: int = SIDE) -> float:
    """Operations a second of a product of square matrices."""
    one, other = faces(side, side, 1), faces(side, side, 2)
    out = np.empty_like(one)
    took = min(
        timed(lambda: np.matmul(one, other, out=out))[0] for _ in range(5)
    )
    return 2 * side**3 / took


def products(probes: np.ndarray, gallery: np.ndarray) -> None:
    """All products with the gallery, and nothing else."""
    out = np.empty((len(probes), BLOCK), np.float32)
    for start in range(0, len(gallery) - BLOCK + 1, BLOCK):
        np.matmul(probes, gallery[start : start + BLOCK].T, out=out)


def inside_products(function: Callable[[], object]) -> float:
    """The share of a call's time that goes into products.

    Other work on the machine slows both alike, unlike two calls in turn.
    """
    spent = []
    multiply = Comparison.multiply

    def watched(self: Comparison, rows: int) -> np.ndarray:
        took, found = timed(lambda: multiply(self, rows))
        spent.append(took)
        return found

    Comparison.multiply = watched
    try:
        took, _ = timed(function)
        return sum(spent) / took
    finally:
        Comparison.multiply = multiply


def faiss_search(probes: np.ndarray, gallery: np.ndarray, ranks: int) -> None:
    """The same identification by faiss's flat index, its building included."""
    import faiss

    index = faiss.IndexFlatIP(gallery.shape[1])
    index.add(np.ascontiguousarray(gallery))
    index.search(probes, ranks)


def main() -> None:
    """Times products, the protocol and faiss in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--distractors", type=int, default=100_000)
    parser.add_argument("--probes", type=int, default=3530)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--ranks", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--faiss", action="store_true")
    words = parser.parse_args()
    labels = np.arange(words.probes) % PERSONS
    probes = faces(PERSONS, words.size, -1 % 2**31)[labels]
    probes = probes + 1.2 * faces(words.probes, words.size, 7)
    units = probes / np.linalg.norm(probes, axis=1, keepdims=True)
    work = 2 * words.probes * words.distractors * words.size
    whole = words.distractors // BLOCK * BLOCK / words.distractors
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gallery.npy"
        gallery = write_gallery(path, words.distractors, words.size)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rates = {"square products": [], "products alone": [], "megaface": []}
        for _ in range(words.runs):
            rates["square products"].append(square())
            took, _ = timed(lambda: products(units, gallery))
            rates["products alone"].append(work * whole / took)
            took, report = timed(
                lambda: megaface(probes, labels, gallery, ranks=words.ranks)
            )
            rates["megaface"].append(work / took)
        share = inside_products(
            lambda: megaface(probes, labels, gallery, ranks=words.ranks)
        )
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if words.faiss:
            rates["faiss"] = [
                work
                / timed(lambda: faiss_search(units, gallery, words.ranks))[0]
                for _ in range(words.runs)
            ]
    print(
        f"{words.probes} probes, {words.distractors:,} distractors of "
        f"{words.size}, NumPy {np.__version__}: rank 1 {report.rank_1:.3f}, "
        f"TAR {report.tar:.3f}"
    )
    best = max(rates["products alone"])
    for name, several in rates.items():
        listed = ", ".join(f"{rate / 1e9:.1f}" for rate in several)
        print(f"{name:16} {listed} GF/s; best {max(several) / best:.0%}")
    print(f"of megaface's time {share:.0%} goes into products")
    print(
        f"megaface took {work / max(rates['megaface']):.1f} s; memory at most "
        f"{after / 1024:.0f} MiB, {(after - before) / 1024:.0f} of them since "
        f"the gallery of {gallery.nbytes / 2**20:.0f} MiB was written"
    )


if __name__ == "__main__":
    main()
