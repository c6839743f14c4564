"""Base of the losses that compare all pairs by their cosine."""

from typing import Any

from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.ops import products, sphere
from keras_hypersphere.ops.batch_pairs import Memory, batch_pairs


class CosineLoss(MetricLoss):
    """One value per anchor, from its cosines with all others.

    A subclass computes them: `cosine_losses(cosines, positive, negative)`
    takes (N, M) cosines and masks of an anchor's positives and negatives, and
    returns (N,) values whose mean over the batch is the loss. Embeddings need
    not have length 1: lengths do not count. The cosine with a zero vector
    is 0.
    """

    takes_memory = True

    def __init__(
        self,
        cross_replica: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.cross_replica = arguments.flag("cross_replica", cross_replica)

    def anchor_losses(
        self, labels: Any, y_pred: Any, memory: Memory | None = None
    ) -> Any:
        units, _ = sphere.normalize(y_pred)
        if memory is not None:
            directions, _ = sphere.normalize(memory.embeddings)
            memory = memory._replace(embeddings=directions)
        references, valid, positive = batch_pairs(
            units, labels, self.cross_replica, memory
        )
        cosines = products.matmul(units, ops.transpose(references))
        negative = valid & ops.logical_not(positive)
        return self.cosine_losses(cosines, positive, negative)

    def cosine_losses(self, cosines: Any, positive: Any, negative: Any) -> Any:
        """(N, M) cosines and masks -> (N,) losses."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cross_replica": self.cross_replica}
