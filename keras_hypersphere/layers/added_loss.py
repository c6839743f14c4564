"""Added losses that stay apart under replicas."""

import weakref
from typing import Any

from keras import ops

from keras_hypersphere.backend import replicas
from keras_hypersphere.layers.wide_layer import WideLayer


class AddedLoss(WideLayer):
    """Adds the mean of per-sample losses over the whole batch.

    Replicas take turns on one layer object: when the second has gone on, the
    first one's loss is still in its list. So each loss carries the number of
    its replica, and only that replica finds it.
    """

    # Read by `kh.models`, which logs it.
    adds_loss = True

    def add_batch_mean(self, losses: Any) -> None:
        """Adds the mean of (N,) losses of this replica and all others."""
        mean = replicas.batch_mean(ops.sum(losses), ops.shape(losses)[0])
        if replicas.replica_count() > 1:
            mean._replica = replicas.replica_index()
        self.add_loss(mean)
        # On JAX Keras knows losses by `id`. One that outlives its loss may
        # come back as another layer's, and that one's loss would be dropped.
        if id(mean) in self._loss_ids:
            forget = weakref.finalize(mean, self._loss_ids.discard, id(mean))
            forget.atexit = False

    def added_losses(self) -> list[Any]:
        """Losses of the last call on this replica, without regularizers."""
        return self._get_own_losses()

    def _get_own_losses(self) -> list[Any]:
        here = replicas.replica_index()
        return [
            loss
            for loss in super()._get_own_losses()
            if getattr(loss, "_replica", here) == here
        ]
