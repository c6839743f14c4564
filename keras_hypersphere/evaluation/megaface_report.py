"""What MegaFace found."""

import dataclasses
import math

import numpy as np

from keras_hypersphere.evaluation import input_checks


@dataclasses.dataclass(frozen=True, eq=False)
class MegaFaceReport:
    """What MegaFace asks of a model.

    Args:
        rank_1: share of the couples whose mate comes before all distractors.
        ranks: `(k,)` share of the couples whose mate is among the first 1,
            2, … k.
        tar: share of the couples that score better than the threshold.
        far: the false accept rate of `tar`: no more of the pairs of a probe
            and a distractor than this share score better.
        threshold: the score that has to be surpassed for it.
        probes: number of probes.
        couples: number of couples of a probe and another photo of its
            person, failed ones included.
        distractors: number of distractors.
        distance: "cosine", whose scores are the cosines themselves, "l2" or
            "squared-l2".
        mate_scores: `(couples,)` scores of the couples that did not fail.
        distractor_scores: the scores of probes and distractors that look
            most alike, the most alike first; as many as `far` needs.
        pairs: number of pairs of a probe and a distractor.
        skipped: rows of `EmbeddingShards` without an embedding, left out.
    """

    rank_1: float
    ranks: np.ndarray
    tar: float
    far: float
    threshold: float
    probes: int
    couples: int
    distractors: int
    distance: str
    mate_scores: np.ndarray = dataclasses.field(repr=False)
    distractor_scores: np.ndarray = dataclasses.field(repr=False)
    pairs: int = dataclasses.field(repr=False)
    skipped: int = 0

    @property
    def larger_is_same(self) -> bool:
        """Whether a large score speaks for "same"; a distance does not."""
        return self.distance == "cosine"

    def tar_at(self, far: float) -> float:
        """Returns the TAR at a false accept rate up to `self.far`."""
        threshold = self.threshold_at(far)
        mates = self.mate_scores
        found = mates > threshold if self.larger_is_same else mates < threshold
        return float(found.sum() / self.couples)

    def threshold_at(self, far: float) -> float:
        """Returns the score to surpass for a rate up to `self.far`."""
        if input_checks.as_number(far, "far", 0.0) > self.far:
            raise ValueError(
                f"`far` must be a rate from 0 to {self.far}, for which the "
                f"scores were kept. Received: far={far}."
            )
        return float(self.distractor_scores[accepted_at(far, self.pairs)])

    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the false and the true accept rates up to `self.far`."""
        larger = self.larger_is_same
        mates = np.sort(self.mate_scores if larger else -self.mate_scores)
        distractors = self.distractor_scores
        worse = np.searchsorted(
            mates, distractors if larger else -distractors, side="right"
        )
        accepted = np.arange(len(distractors))
        return accepted / self.pairs, (len(mates) - worse) / self.couples


def accepted_at(far: float, pairs: int) -> int:
    """Returns the largest count that is no more than `far` of `pairs`."""
    count = math.floor(far * pairs)
    # The product may be rounded either way.
    while count / pairs > far:
        count -= 1
    while (count + 1) / pairs <= far:
        count += 1
    return count
