"""Base of the layers that add a loss of each sample."""

from typing import Any

from keras import ops

from keras_hypersphere.backend import replicas
from keras_hypersphere.backend.keras_internals import ReplicaLosses
from keras_hypersphere.layers.upcast_layer import UpcastLayer


class AddedLoss(UpcastLayer, ReplicaLosses):
    """Adds the mean of per-sample losses over the whole batch."""

    def add_batch_mean(self, losses: Any, kept: Any = None) -> None:
        """Adds the mean of (N,) losses of this replica and all others.

        With `kept`, (N,) booleans, of those samples alone.
        """
        self.add_replica_loss(batch_mean(losses, kept))


def batch_mean(losses: Any, kept: Any = None, weights: Any = None) -> Any:
    """Mean of (N,) losses over all replicas, of the samples that are kept.

    As Keras has it, weights multiply the losses, not their number.
    """
    count = ops.shape(losses)[0]
    if weights is not None:
        losses = losses * ops.cast(weights, losses.dtype)
    if kept is not None:
        losses = ops.where(kept, losses, ops.zeros_like(losses))
        count = ops.sum(ops.cast(kept, losses.dtype))
    return replicas.batch_mean(ops.sum(losses), count)
