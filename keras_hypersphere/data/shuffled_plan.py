"""Which photos are in which batch, where every photo has its turn."""

import numpy as np

from keras_hypersphere import arguments
from keras_hypersphere.data.balanced_plan import ORDER, not_negative


class ShuffledPlan:
    """Every photo once an epoch, in an order of its own for each.

    All batches are full: the photos that are left over in one epoch, fewer
    than a batch, are others in the next. Fewer photos than `batch_size` are
    one batch.

    Args:
        count: int, photos.
        batch_size: int.
        seed: int >= 0.
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        self.count = arguments.positive_integer("count", count)
        size = arguments.positive_integer("batch_size", batch_size)
        self.batch_size = min(size, self.count)
        self.seed = not_negative("seed", seed)
        self._kept: tuple[int, np.ndarray] = (-1, np.empty(0, np.int64))

    @property
    def batches_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self.count // self.batch_size

    def batch(self, epoch: int, index: int) -> np.ndarray:
        """The photos of a batch."""
        # One assignment of a pair: other threads see the old or the new one.
        kept = self._kept
        if kept[0] != epoch:
            draw = np.random.default_rng([self.seed, ORDER, epoch])
            self._kept = kept = (epoch, draw.permutation(self.count))
        return kept[1][index * self.batch_size : (index + 1) * self.batch_size]
