"""What a search among embeddings found."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class RetrievalReport:
    """How well samples find others of their class.

    Args:
        recall: for each k, the share of queries with a sample of their class
            among the k nearest.
        precision_at_1: the share of queries whose nearest is of their class.
        r_precision: of the R nearest of a query, R being the number of the
            others of its class, the share that is of its class; the mean.
        map_at_r: the mean average precision of these R; see
            `kh.evaluation.retrieval`.
        queries: number of queries, samples that are not alone in their class.
        samples: number of samples.
        distance: "cosine", "l2" or "squared-l2".
    """

    recall: dict[int, float]
    precision_at_1: float
    r_precision: float
    map_at_r: float
    queries: int
    samples: int
    distance: str

    def recall_at(self, k: int) -> float:
        """Returns `recall[k]`, of one of the k that were asked for."""
        if k not in self.recall:
            raise ValueError(
                f"`k` must be one of {tuple(self.recall)}, which were "
                f"measured. Received: k={k!r}; pass it to `retrieval`."
            )
        return self.recall[k]
