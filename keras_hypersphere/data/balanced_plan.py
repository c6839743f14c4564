"""Which images are in which batch: a function of seed, epoch and batch."""

import math
import random
from typing import Any

import numpy as np

from keras_hypersphere import arguments
from keras_hypersphere.data.identities import Identities

# What a random draw is for; each has numbers of its own.
DEAL, ROUND, IMAGES, BATCH, NEGATIVES, ORDER, AUGMENTATION = range(7)
# How often negatives are guessed before all candidates are listed.
GUESSES = 4


class BalancedPlan:
    """P identities of K images a batch, and random negatives.

    Time goes in rounds. A round has every identity once, in an order of its
    own; identities run through their images K at a time, round by round.
    The rest is as documented in `BalancedBatches`, whose arguments these are.

    No draw depends on an earlier one, so batches can be asked for in any
    order, by any number of threads.
    """

    def __init__(
        self,
        labels: Any,
        classes_per_batch: int,
        samples_per_class: int,
        seed: int | None = None,
        random_negatives: int = 0,
        rounds_per_epoch: int | None = None,
        num_shards: int = 1,
        shard_index: int = 0,
    ) -> None:
        whole = arguments.positive_integer
        self.classes = whole("classes_per_batch", classes_per_batch)
        self.samples = whole("samples_per_class", samples_per_class)
        if self.samples < 2:
            raise ValueError(
                "`samples_per_class` must be at least 2, or no batch has a "
                f"pair. Received: samples_per_class={samples_per_class}."
            )
        self.negatives = not_negative("random_negatives", random_negatives)
        self.shards = whole("num_shards", num_shards)
        self.shard = not_negative("shard_index", shard_index)
        if self.shard >= self.shards:
            raise ValueError(
                "`shard_index` must be below `num_shards`="
                f"{num_shards}. Received: shard_index={shard_index}; the "
                "first shard is 0."
            )
        if seed is None and self.shards > 1:
            raise ValueError(
                "`seed` must be the same number on every worker of "
                f"`num_shards`={num_shards}, or shards overlap. "
                "Received: seed=None."
            )
        # Python's generator, as Keras's own: `set_random_seed` fixes it.
        seed = random.randrange(2**31) if seed is None else seed
        self.seed = not_negative("seed", seed)
        self.known = Identities.of(labels)
        self._deal(rounds_per_epoch)
        self._orders: dict[int, tuple[int, np.ndarray]] = {}

    def _deal(self, rounds: int | None) -> None:
        """Takes this shard's identities, and counts rounds and batches."""
        counts = self.known.counts
        paired = np.flatnonzero(counts >= 2)
        if not len(paired):
            raise ValueError(
                "`labels` must have an identity with two images; without one "
                "there are no pairs and no triplets. Received: "
                f"{len(counts)} identities with one image each."
            )
        if len(paired) // self.shards < self.classes:
            share = f" in {self.shards} shards" if self.shards > 1 else ""
            raise ValueError(
                "`classes_per_batch` must be at most the number of "
                f"identities with two images or more, {len(paired)}{share}. "
                f"Received: classes_per_batch={self.classes}."
            )
        # The same numbers on every shard, whichever identities it has.
        largest_share = math.ceil(len(paired) / self.shards)
        self.batches_per_round = math.ceil(largest_share / self.classes)
        mean = counts[paired].mean() / self.samples
        self.rounds = (
            math.ceil(mean)
            if rounds is None
            else arguments.positive_integer("rounds_per_epoch", rounds)
        )
        single = np.flatnonzero(counts == 1)
        if self.shards > 1:
            draw = self._draw(DEAL)
            mine = slice(self.shard, None, self.shards)
            paired = np.sort(draw.permutation(paired)[mine])
            single = np.sort(draw.permutation(single)[mine])
        self.identities = paired
        self.singles = len(single)
        self.pool = self.known.images_of(np.concatenate([paired, single]))
        self._count_places()

    def _count_places(self) -> None:
        """Finds whether every batch can be full."""
        counts = np.sort(self.known.counts[self.identities])
        # The batch with the largest identities leaves the fewest others.
        others = len(self.pool) - counts[-self.classes :].sum()
        if others < self.negatives:
            raise ValueError(
                "`random_negatives` must be at most the number of images "
                f"beyond those of {self.classes} identities: {others} next "
                "to the largest. Received: random_negatives="
                f"{self.negatives}; take a smaller `classes_per_batch`."
            )
        free = np.maximum(self.samples - counts[: self.classes], 0).sum()
        places = self.negatives + free
        full = self.classes * self.samples + self.negatives
        self.batch_size = int(full) if others >= places else None

    @property
    def batches_per_epoch(self) -> int:
        """Batches in an epoch, on each shard."""
        return self.rounds * self.batches_per_round

    @property
    def epochs_to_see_all(self) -> int:
        """Epochs, from epoch 0, in which every image is seen.

        Singles count only if there are random negatives.
        """
        largest = int(self.known.counts[self.identities].max())
        batches = math.ceil(largest / self.samples) * self.batches_per_round
        if self.singles and self.negatives:
            batches = max(batches, math.ceil(len(self.pool) / self.negatives))
        return math.ceil(batches / self.batches_per_epoch)

    def batch(self, epoch: int, index: int) -> np.ndarray:
        """Images of a batch: identity by identity, then negatives."""
        step = epoch * self.batches_per_epoch + index
        number, place = divmod(step, self.batches_per_round)
        order = self._order(ROUND, number, self.identities)
        due = order[place * self.classes : (place + 1) * self.classes]
        # The last batch of a round is topped up with identities of its start.
        again = order[: self.classes - len(due)]
        draw = self._draw(BATCH, step)
        parts = [self._next_images(who, number) for who in due]
        parts += [self._some_images(who, draw) for who in again]
        images = np.concatenate(parts)
        full = self.classes * self.samples + self.negatives
        if len(images) == full:
            return images
        identities = np.concatenate([due, again])
        missing = full - len(images)
        others = self._others(identities, missing, step, draw)
        return np.concatenate([images, others])

    def _next_images(self, identity: int, number: int) -> np.ndarray:
        """The K images whose turn it is, of an order for each cycle."""
        count = int(self.known.counts[identity])
        turns = math.ceil(count / self.samples)
        cycle, turn = divmod(number, turns)
        order = self._draw(IMAGES, identity, cycle).permutation(count)
        # The last turn goes back to be full.
        first = max(min(turn * self.samples, count - self.samples), 0)
        return self._images(identity, order[first : first + self.samples])

    def _some_images(
        self, identity: int, draw: np.random.Generator
    ) -> np.ndarray:
        """K random images, out of turn."""
        count = int(self.known.counts[identity])
        size = min(count, self.samples)
        return self._images(identity, draw.choice(count, size, replace=False))

    def _images(self, identity: int, members: np.ndarray) -> np.ndarray:
        return self.known.images[self.known.starts[identity] + members]

    def _others(
        self,
        identities: np.ndarray,
        missing: int,
        step: int,
        draw: np.random.Generator,
    ) -> np.ndarray:
        """Images of other identities, each once."""
        # Some walk through the pool: every single has its turn.
        walk = step * self.negatives + np.arange(self.negatives)
        cycles, places = np.divmod(walk, len(self.pool))
        found = np.empty(0, np.int64)
        for cycle in np.unique(cycles):
            order = self._order(NEGATIVES, int(cycle), self.pool)
            found = np.append(found, order[places[cycles == cycle]])
        found = self._new(found, identities)
        for _ in range(GUESSES):
            if len(found) >= missing:
                return found[:missing]
            more = draw.choice(self.pool, 2 * missing)
            found = self._new(np.append(found, more), identities)
        more = draw.permutation(self.pool)
        return self._new(np.append(found, more), identities)[:missing]

    def _new(self, images: np.ndarray, identities: np.ndarray) -> np.ndarray:
        """Those of other identities, each where it first stands."""
        images = images[~np.isin(self.known.owner[images], identities)]
        return images[np.sort(np.unique(images, return_index=True)[1])]

    def _order(self, use: int, number: int, things: np.ndarray) -> np.ndarray:
        """A permutation; the latest of a use is kept."""
        # One assignment of a pair: other threads see the old or the new one.
        kept = self._orders.get(use)
        if kept is None or kept[0] != number:
            kept = (number, self._draw(use, number).permutation(things))
            self._orders[use] = kept
        return kept[1]

    def _draw(self, *what: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *map(int, what)])


def not_negative(name: str, value: Any) -> int:
    """An integer of at least 0."""
    value = arguments.integer(name, value)
    if value < 0:
        raise ValueError(
            f"`{name}` must be an integer, at least 0. "
            f"Received: {name}={value!r}."
        )
    return value
