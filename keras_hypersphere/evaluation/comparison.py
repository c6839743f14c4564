"""Probes against blocks of a gallery: fast bounds, exact scores.

A float32 product of matrices says which of millions of scores can matter;
only those are computed in float64. Scores are oriented: larger means more
alike, so distances are negative.
"""

from collections.abc import Callable

import numpy as np

from keras_hypersphere.evaluation import input_checks, rounding
from keras_hypersphere.evaluation.scores import LARGEST, SMALLEST, unit_rows

# Half the distance of two neighboring float32 numbers around 1.
ROUNDING = 2.0**-24
# Squared lengths in this range lose no digits in float32.
SAFE = 1e-30, 1e30
HINT = "Leave rows without an embedding out."


class Comparison:
    """Scores probes against the rows of blocks.

    Args:
        probes: `(p, d)` embeddings.
        rows: the largest number of rows of a block.
    """

    # In float32; kinds of scores set it.
    probes: np.ndarray

    def __init__(self, probes: np.ndarray, rows: int) -> None:
        count, size = probes.shape
        self.rows = rows
        # Memory that every block uses again.
        self.work = np.empty((rows, size), np.float32)
        self.buffer = np.empty(count * rows, np.float32)
        # Rounding of a product of unit vectors: one for each term, half of
        # that for a length, a few for the vectors themselves; doubled.
        self.relative = 2.0 * (size + 8) * ROUNDING

    def multiply(self, rows: int) -> np.ndarray:
        """Returns the products of the probes with `rows` rows of `work`."""
        products = self.buffer[: len(self.probes) * rows]
        products = products.reshape(len(self.probes), rows)
        return np.matmul(self.probes, self.work[:rows].T, out=products)


class Cosines(Comparison):
    """The cosine of the angle; 0 where a vector is zero."""

    def __init__(self, probes: np.ndarray, rows: int) -> None:
        super().__init__(probes, rows)
        self.units = unit_rows(probes.astype(np.float64))
        self.probes = self.units.astype(np.float32)

    def bounds(self, block: np.ndarray, first: int) -> np.ndarray:
        """Returns `(p, rows)` numbers to be held against `limits`.

        Args:
            block: `(rows, d)` embeddings.
            first: how many rows went before, for messages.
        """
        count = len(block)
        with np.errstate(over="ignore", invalid="ignore"):
            single = np.ascontiguousarray(block, np.float32)
            squares = np.einsum("ij,ij->i", single, single)
        if (squares > SAFE[0]).all() and (squares < SAFE[1]).all():
            shares = (1.0 / np.sqrt(squares))[:, None]
            np.multiply(single, shares, out=self.work[:count])
        else:
            input_checks.require_finite(block, "distractors", first, HINT)
            self.work[:count] = unit_rows(block.astype(np.float64))
        return self.multiply(count)

    def limits(self, scores: np.ndarray) -> np.ndarray:
        """Returns, for each probe, what no bound of a better score is below."""
        return below(scores - self.relative)

    def floors(self, bounds: np.ndarray) -> np.ndarray:
        """Returns, for each probe, the least score a bound may stand for."""
        return bounds.astype(np.float64) - self.relative

    def exact(self, probes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns the scores of probes, by index, against as many rows."""
        rows = rows.astype(np.float64)
        squares = np.einsum("ij,ij->i", rows, rows)
        # Decided row by row, so that equal rows have equal scores.
        odd = (squares < SMALLEST) | (squares > LARGEST)
        if odd.any():
            rows[odd] = unit_rows(rows[odd])
            squares[odd] = 1.0
        dots = np.einsum("ij,ij->i", self.units[probes], rows)
        return np.clip(dots / np.sqrt(squares), -1.0, 1.0)

    def noise(self, scores: np.ndarray, error: float) -> float:
        """Returns how far rounding can move a score."""
        return rounding.of_cosines(scores, error, self.units.shape[1])

    def readable(self, scores: np.ndarray) -> np.ndarray:
        """Returns scores in the units of the distance."""
        return scores


class SquaredDistances(Comparison):
    """The squared Euclidean distance, negative."""

    def __init__(self, probes: np.ndarray, rows: int) -> None:
        super().__init__(probes, rows)
        # A power of two brings squares into float32's range and is exact.
        self.largest = largest = float(np.abs(probes).max())
        self.scale = 2.0 ** -int(np.frexp(largest)[1]) if largest else 1.0
        self.exact_probes = self.scale * probes.astype(np.float64)
        self.probes = self.exact_probes.astype(np.float32)
        self.squares = np.square(self.exact_probes).sum(axis=1)
        self.longest = float(np.sqrt(self.squares.max()))
        # What float64 rounds where the terms of a distance cancel.
        self.least = 2.0**-40 * self.longest**2
        self.slack = 0.0

    def bounds(self, block: np.ndarray, first: int) -> np.ndarray:
        """Returns `p · g - |g|² / 2` for all, made larger by its rounding."""
        count = len(block)
        input_checks.require_finite(block, "distractors", first, HINT)
        with np.errstate(over="ignore", invalid="ignore"):
            self.work[:count] = self.scale * block.astype(np.float64)
            work = self.work[:count]
            squares = np.einsum("ij,ij->i", work, work)
        if not (squares < SAFE[1]).all():
            raise ValueError(
                "`distractors` must be of about the size of the probes. "
                f"Received: rows more than {SAFE[1] ** 0.5:.0e} times as "
                "long; were both made by one model?"
            )
        squares = squares.astype(np.float64)
        slack = self.relative * (np.sqrt(squares) * self.longest + squares)
        self.slack = float(slack.max())
        products = self.multiply(count)
        products -= (0.5 * squares - slack).astype(np.float32)
        return products

    def limits(self, scores: np.ndarray) -> np.ndarray:
        """Returns, for each probe, what no bound of a better score is below."""
        return below(0.5 * (self.squares + scores) - self.least)

    def floors(self, bounds: np.ndarray) -> np.ndarray:
        """Returns, for each probe, the least score a bound may stand for."""
        values = bounds.astype(np.float64) - 2.0 * self.slack - self.least
        return 2.0 * values - self.squares

    def exact(self, probes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns the scores of probes, by index, against as many rows."""
        gaps = self.exact_probes[probes]
        gaps -= self.scale * rows.astype(np.float64)
        return -np.einsum("ij,ij->i", gaps, gaps)

    def noise(self, scores: np.ndarray, error: float) -> float:
        """Returns how far rounding can move a score."""
        size, largest = self.exact_probes.shape[1], self.largest * self.scale
        return rounding.of_distances(-scores, error, size, largest, power=2)

    def readable(self, scores: np.ndarray) -> np.ndarray:
        """Returns scores in the units of the distance."""
        return -scores / self.scale**2


class Distances(SquaredDistances):
    """The Euclidean distance; it ranks as its square does."""

    def readable(self, scores: np.ndarray) -> np.ndarray:
        """Returns scores in the units of the distance."""
        return np.sqrt(-scores) / self.scale


Scores = Cosines | SquaredDistances
COMPARISONS: dict[str, Callable[[np.ndarray, int], Scores]] = {
    "cosine": Cosines,
    "l2": Distances,
    "squared-l2": SquaredDistances,
}


def below(values: np.ndarray) -> np.ndarray:
    """Returns float32 numbers that are not above `values`."""
    return np.nextafter(values.astype(np.float32), np.float32(-np.inf))
