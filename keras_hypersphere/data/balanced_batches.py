"""Batches of P identities times K images, for any backend."""

import functools
from typing import Any

import numpy as np

from keras_hypersphere.data.balanced_plan import BalancedPlan, not_negative
from keras_hypersphere.data.image_loader import ImageLoader
from keras_hypersphere.data.planned_batches import PlannedBatches


class BalancedBatches(PlannedBatches):
    """Batches with P identities and K images of each, for mined triplets.

    Every batch has K images of identity after identity, P in all, then
    `random_negatives` images of any other identities: FaceNet's batches with
    `samples_per_class=40`. No image is in a batch twice.

    * Identities with fewer than K images bring all they have; images of
      other identities, chosen as random negatives are, take the free places.
      The batch is smaller only where no others are left.
    * Identities with one image give no pairs: they come only as random
      negatives and in free places.
    * Time goes in rounds. In a round every identity has its turn once, in
      random order, with the next K images of a random order of its own. A
      last batch with fewer than P identities is topped up with others of the
      round, whose images are drawn out of turn.
    * All images of an identity with c images are seen in ceil(c / K)
      rounds, all of every identity with a pair in the first
      `epochs_to_see_all` epochs. Singles are seen in this time too if there
      are random negatives.
    * Batch i of epoch e is a function of the labels, the arguments, e and i.

    `fit` gets the batches in this order, also where it shuffles. Give it
    `follow()` as a callback, and they are those of its epoch, also where
    `BackupAndRestore` or `initial_epoch` let it go on at a later one.

    Args:
        labels: `(N,)` or `(N, 1)` whole numbers, the identity of each image.
        classes_per_batch: int, P.
        samples_per_class: int >= 2, K.
        load: an array of N images, or a function of the `(B,)` indices of a
            batch that returns its inputs. Defaults to None: the indices
            themselves are the inputs.
        seed: int >= 0. Defaults to None: drawn from Python's `random`, which
            `keras.utils.set_random_seed` seeds.
        random_negatives: int, images of further identities in each batch.
            Defaults to `0`.
        rounds_per_epoch: int. Defaults to None: the mean number of images of
            an identity, divided by K and rounded up. An epoch then has about
            as many images as there are.
        num_shards: int, number of workers that share the identities, so that
            no image is on two of them. All have as many batches. Defaults to
            `1`.
        shard_index: int, which of them this is, from 0. Defaults to `0`.
        initial_epoch: int, the epoch to begin with, to resume a training.
            Defaults to `0`.
        workers: int, threads that load batches ahead of `fit`. Defaults to
            `1`: they are loaded where they are asked for.
        use_multiprocessing: bool, whether the workers are processes.
            Defaults to `False`.
        max_queue_size: int, how many batches are loaded ahead; 0 for all of
            an epoch. Defaults to `10`.

    Attributes:
        seed: int, also where none was given.
        epoch: int, the epoch that batches are of. With `follow()` it is that
            of `fit`; without, each epoch of `fit` raises it.
        epochs_to_see_all: int.
        batch_size: int, or None if batches may differ.

    Raises:
        ValueError: if no identity has two images, if there are fewer such
            identities than `classes_per_batch`, or if an argument is not one
            of those above.

    Example:

    >>> images = np.random.rand(60, 8, 8)
    >>> labels = np.repeat(np.arange(6), 10)
    >>> batches = kh.data.BalancedBatches(labels, 3, 5, load=images, seed=0)
    >>> x, y = batches[0]
    >>> x.shape, np.unique(y, return_counts=True)[1].tolist()
    ((15, 8, 8), [5, 5, 5])
    >>> len(batches), batches.epochs_to_see_all
    (4, 1)

    Reference:
        FaceNet: A Unified Embedding for Face Recognition and Clustering
        (2015), https://arxiv.org/abs/1503.03832, section 3.2, for about 40
        images per identity and random negatives; it does not say how
        identities with fewer are treated.
    """

    def __init__(
        self,
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
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
    ) -> None:
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
        self.load = ImageLoader(load, plan.known.labels)
        super().__init__(
            plan,
            functools.partial(batch_of_step, plan, self.load),
            not_negative("initial_epoch", initial_epoch),
            not_negative("workers", workers),
            bool(use_multiprocessing),
            not_negative("max_queue_size", max_queue_size),
        )
        self.seed = plan.seed
        self.batch_size = plan.batch_size
        self.epochs_to_see_all = plan.epochs_to_see_all


def batch_of_step(
    plan: BalancedPlan, load: ImageLoader, step: int
) -> tuple[Any, np.ndarray]:
    """The batch of a step, counted from the first of epoch 0."""
    return load(plan.batch(*divmod(step, plan.batches_per_epoch)))
