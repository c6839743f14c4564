"""Batches that a plan numbers, for `fit` on any backend."""

import os
from collections.abc import Callable
from typing import Any, Protocol

import keras
import numpy as np

from keras_hypersphere.data.ahead import Ahead
from keras_hypersphere.data.follow_epochs import FollowEpochs, warn_of_restart


class Plan(Protocol):
    """Which images are in which batch, of any epoch."""

    @property
    def batches_per_epoch(self) -> int:
        """Batches in an epoch."""

    def batch(self, epoch: int, index: int) -> np.ndarray:
        """The images of a batch."""


class PlannedBatches(keras.utils.PyDataset):
    """Batches that are a function of epoch and place, made ahead.

    `fit` gets them in the order of the plan, also where it shuffles, and of
    its own epoch with `follow()` among its callbacks.

    Args:
        plan: which images are in which batch.
        make: function of a step, counted from the first of epoch 0, that
            returns the batch.
        initial_epoch: int, the epoch to begin with.
        workers: int, threads or processes that make batches ahead.
        use_multiprocessing: bool, whether they are processes.
        max_queue_size: int, how many batches are made ahead; 0 for all.
    """

    def __init__(
        self,
        plan: Plan,
        make: Callable[[int], Any],
        initial_epoch: int,
        workers: int,
        use_multiprocessing: bool,
        max_queue_size: int,
    ) -> None:
        # Keras sees no workers: see `Ahead`.
        super().__init__()
        self.plan = plan
        self.epoch = initial_epoch
        self._ahead = Ahead(make, workers, use_multiprocessing, max_queue_size)
        # Where a pass begins in its epoch, and which places it has given.
        self._offset = 0
        self._places: dict[int, int] = {}
        self._followed = False
        # The process in which Keras is within a pass.
        self._process: int | None = None

    def __len__(self) -> int:
        return self.plan.batches_per_epoch

    def __getitem__(self, index: int) -> Any:
        # An IndexError ends a plain `for` loop.
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        if self._process != os.getpid():
            return self._ahead.make(self.epoch * len(self) + index)
        # In the order of the plan, whatever order Keras has shuffled to.
        place = self._places.setdefault(index, len(self._places))
        begin = self.epoch * len(self) + self._offset
        return self._ahead.take(begin + place, begin + len(self))

    def indices(self, epoch: int, index: int) -> np.ndarray:
        """The images of a batch of any epoch, in the order of the batch."""
        return self.plan.batch(epoch, index)

    def follow(self) -> keras.callbacks.Callback:
        """A callback for `fit`, whose epoch the batches then follow.

        With it a training that goes on at epoch 3, by `BackupAndRestore` or
        `initial_epoch`, gets the batches of epoch 3.
        """
        return FollowEpochs(self._go_to, len(self), self._leave)

    def _go_to(self, step: int) -> None:
        self.epoch, self._offset = divmod(step, len(self))
        self._places = {}
        self._followed = True

    def _leave(self) -> None:
        self._places, self._process = {}, None
        self._ahead.stop()

    def on_epoch_begin(self) -> None:
        """From here on, batches are asked for by `fit`."""
        self._process = os.getpid()
        if not self.epoch and not self._followed:
            warn_of_restart(type(self).__name__)

    def on_epoch_end(self) -> None:
        """Goes to the next epoch, if all batches of this one were made.

        Keras also calls this before the first epoch, and after taking a batch
        to build a model.
        """
        if self._process is not None and len(self._places) == len(self):
            self.epoch += 1
            self._leave()
        # With `steps_per_epoch` the pass goes on, and tf.data asks already.
