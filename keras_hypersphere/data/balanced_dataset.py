"""The same batches as a `tf.data.Dataset`."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_hypersphere.backend import datasets
from keras_hypersphere.data.balanced_plan import BalancedPlan, not_negative
from keras_hypersphere.data.follow_epochs import FollowEpochs, warn_of_restart
from keras_hypersphere.data.image_loader import ImageLoader
from keras_hypersphere.data.planned_batches import Plan


def balanced_dataset(
    labels: Any,
    classes_per_batch: int,
    samples_per_class: int,
    load: Any = None,
    seed: int | None = None,
    random_negatives: int = 0,
    rounds_per_epoch: int | None = None,
    num_shards: int = 1,
    shard_index: int = 0,
    initial_epoch: int = 0,
) -> Any:
    """The batches of `BalancedBatches` as a `tf.data.Dataset`.

    Every pass over the data set is the next epoch; a pass that is given up
    before its last batch is made does not count. The batch size is static
    where all batches are full. Images are loaded in parallel and ahead.

    `dataset.follow()` is a callback for `fit`: with it a training that goes
    on at a later epoch gets the batches of that epoch. A `map` gives another
    data set, without this method: keep the first for it.

    Under a `tf.distribute` strategy, TensorFlow gives each replica its part
    of every batch: several worker processes need the same `seed` and no
    shards.

    Args:
        labels: as in `BalancedBatches`, like the other arguments.
        classes_per_batch: int, P.
        samples_per_class: int >= 2, K.
        load: an array of N images, or a function of the `(B,)` NumPy indices
            of a batch that returns its inputs: arrays, or a dictionary or
            tuple of them. It is called from several threads, and once for the
            shapes. Defaults to None: the indices are the inputs, for a `map`
            of TensorFlow operations.
        seed: int >= 0 or None.
        random_negatives: int. Defaults to `0`.
        rounds_per_epoch: int or None.
        num_shards: int. Defaults to `1`.
        shard_index: int. Defaults to `0`.
        initial_epoch: int. Defaults to `0`.

    Returns:
        A `tf.data.Dataset` of `(x, labels)` that knows its length, with
        `follow()`.

    Raises:
        ValueError: as `BalancedBatches` does.

    Example:

    >>> images = np.random.rand(60, 8, 8)
    >>> labels = np.repeat(np.arange(6), 10)
    >>> dataset = kh.data.balanced_dataset(labels, 3, 5, load=images, seed=0)
    >>> x, y = dataset.element_spec
    >>> tuple(x.shape), tuple(y.shape), len(dataset)
    ((15, 8, 8), (15,), 4)

    Reference:
        That of `BalancedBatches`; the batches are the same.
    """
    plan = BalancedPlan(
        labels,
        classes_per_batch,
        samples_per_class,
        seed,
        random_negatives,
        rounds_per_epoch,
        num_shards,
        shard_index,
    )
    passes = Passes(plan, not_negative("initial_epoch", initial_epoch))
    dataset = datasets.tensorflow_dataset(
        passes,
        plan.batches_per_epoch,
        plan.batch_size,
        ImageLoader(load, plan.known.labels),
        example=plan.batch(0, 0),
    )
    dataset.follow = passes.follow
    return dataset


class Passes:
    """Gives the batches of one epoch after the other, one a call.

    Args:
        plan: which images are in which batch.
        epoch: int, the first.
        what: String, who is resumed, in a warning.
        steps: bool, whether the numbers of steps are given, not the images.
    """

    def __init__(
        self,
        plan: Plan,
        epoch: int,
        what: str = "balanced_dataset",
        steps: bool = False,
    ) -> None:
        self.plan = plan
        self.what, self.steps = what, steps
        self.count = plan.batches_per_epoch
        self.step = epoch * self.count
        self.newest = object()
        self.followed = False

    def follow(self) -> keras.callbacks.Callback:
        """A callback for `fit`, whose epoch the batches then follow."""
        # Of a data set that is repeated, batches are made across epochs.
        return FollowEpochs(self.go_to, self.count)

    def go_to(self, step: int) -> None:
        """The next pass begins there, whatever an earlier one still does."""
        self.step, self.newest, self.followed = step, object(), True

    def __call__(self) -> Iterator[Any]:
        if not self.step and not self.followed:
            warn_of_restart(self.what)
        begin, mine = self.step, object()
        self.newest = mine
        for step in range(begin, begin + self.count):
            batch = (
                np.int64(step)
                if self.steps
                else self.plan.batch(*divmod(step, self.count))
            )
            # Keras gives passes up; those do not count.
            if step == begin + self.count - 1 and self.newest is mine:
                self.step = step + 1
            yield batch
