"""What the triplet losses have in common."""

from typing import Any, NamedTuple

from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.mining import select, triplets
from keras_hypersphere.mining.positives import find_positives

Tensor = Any

MININGS = ("semi-hard", "hard", "all")


class TripletArguments(NamedTuple):
    """Checked arguments of a triplet loss."""

    margin: float
    mining: str
    distance: str
    fallback: str | None

    @classmethod
    def checked(
        cls, margin: Any, mining: Any, distance: Any, fallback: Any
    ) -> "TripletArguments":
        """Raises where an argument is wrong, or would do nothing."""
        arguments.choice("mining", mining, MININGS)
        if select.check_fallback(fallback) and mining != "semi-hard":
            raise ValueError(
                "`fallback` is for semi-hard negatives only. "
                f"Received: fallback={fallback!r}, mining={mining!r}; leave "
                "it at None."
            )
        return cls(
            arguments.number("margin", margin, minimum=0.0),
            mining,
            arguments.choice("distance", distance, arguments.DISTANCES),
            fallback,
        )

    def hinges(
        self,
        distances: Tensor,
        labels: Tensor,
        others: Tensor,
        candidates: Tensor,
        *skipped: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """(N,) sums of the anchors' hinges, and (N,) numbers of terms.

        Negatives are the columns of (N, M) `distances` of another class;
        positives are among the `candidates`, without the `skipped` columns.
        """
        if self.mining == "hard":
            mask = select.positive_mask(labels, candidates, *skipped)
            rows = ops.arange(ops.shape(labels)[0], dtype="int32")
            negative = triplets.negatives_of(labels, others, rows)
            farthest, has_positive = select.farthest(distances, mask)
            nearest, has_negative = select.nearest(distances, negative)
            hinges = farthest - nearest + self.margin
            active = has_positive & has_negative & (hinges > 0)
            hinges = ops.where(active, hinges, ops.zeros_like(hinges))
            return hinges, ops.ones_like(hinges)
        positives = find_positives(labels, candidates, *skipped)
        given = distances, labels, others, positives, self.margin
        count = ops.cast(positives.count, distances.dtype)
        if self.mining == "semi-hard":
            return triplets.semi_hard_sums(*given, self.fallback), count
        negatives = triplets.count_negatives(labels, others)
        count = count * ops.cast(negatives, distances.dtype)
        return triplets.all_sums(*given), count


def mean_of_terms(sums: Tensor, terms: Tensor, cross_replica: bool) -> Tensor:
    """Scales sums so that their mean is a mean over all terms."""
    samples = ops.cast(ops.shape(sums)[0], sums.dtype)
    total = ops.stack([samples, ops.sum(terms)])
    if cross_replica:
        total = replicas.sum_over_replicas(total)
    return sums * (total[0] / ops.maximum(total[1], 1.0))
