"""The rates of false decisions that a card knows, at every threshold."""

from collections.abc import Sequence

import numpy as np


class RateCurve:
    """How often pairs of photos are decided wrongly, by threshold.

    Between the card's points the logarithm of the false accept rate and the
    false reject rate itself run in straight lines.

    Args:
        rates: `Card.rates`: objects with `threshold`, `far` and `frr`,
            ordered by threshold. Empty where nothing is known.
    """

    def __init__(self, rates: Sequence[dict]) -> None:
        columns = [
            np.array([rate[name] for rate in rates], np.float64)
            for name in ("threshold", "far", "frr")
        ]
        self.thresholds, self.fars, self.frrs = columns
        # Where nothing was accepted falsely, the pairs were too few.
        seen = self.fars > 0
        self._places, self._logs = (
            self.thresholds[seen],
            np.log(self.fars[seen]),
        )

    @property
    def known(self) -> bool:
        """Whether the curve says anything of false accepts."""
        return len(self._places) > 1 and self._logs[-1] > self._logs[0]

    def at(self, threshold: float) -> tuple[float | None, float | None]:
        """False accept and false reject rate of a threshold.

        Returns:
            None for each where the threshold was not measured.
        """
        measured = self.thresholds
        if not len(measured) or not (measured[0] <= threshold <= measured[-1]):
            return None, None
        frr = float(np.interp(threshold, measured, self.frrs))
        if self.known and threshold >= self._places[0]:
            return float(self.far(threshold)), frr
        return float(np.interp(threshold, measured, self.fars)), frr

    def far(self, threshold: float) -> float:
        """The false accept rate, also below what was measured.

        There the logarithm goes on as steeply as over the lowest tenfold of
        the rate that was measured. Above, the last rate stays.
        """
        log = np.interp(threshold, self._places, self._logs)
        beyond = min(threshold - self._places[0], 0.0)
        return float(np.exp(log + beyond * self._slope()))

    def threshold(self, far: float) -> float:
        """The threshold of a false accept rate: the inverse of `far`."""
        log = np.log(far)
        rising = np.maximum.accumulate(self._logs)
        beyond = min(log - rising[0], 0.0)
        return float(
            np.interp(log, rising, self._places) + beyond / self._slope()
        )

    def rejecting(self, frr: float) -> float | None:
        """The threshold that rejects this share of the same pairs."""
        if not len(self.frrs) or not self.frrs[-1] <= frr <= self.frrs[0]:
            return None
        return float(np.interp(-frr, -self.frrs, self.thresholds))

    def _slope(self) -> float:
        """By how much the logarithm rises with the threshold, at its foot."""
        above = np.flatnonzero(self._logs >= self._logs[0] + np.log(10))
        end = above[0] if len(above) else -1
        rise = self._logs[end] - self._logs[0]
        return float(rise / (self._places[end] - self._places[0]))
