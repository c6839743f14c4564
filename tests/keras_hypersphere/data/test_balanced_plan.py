"""Composition, coverage and independence of the batches, by their indices."""

import math
import time

import numpy as np
import pytest

from keras_hypersphere.data.balanced_plan import BalancedPlan
from keras_hypersphere.data.identities import Identities

EVEN = np.random.default_rng(0).permutation(np.repeat(np.arange(12), 9))
# From 1 to 25 images, as photos of people come; labels with gaps.
UNEVEN = np.random.default_rng(1).permutation(
    np.repeat(7 * np.arange(60) + 3, np.r_[1:26, np.ones(15, int), 2:22])
)


def epoch_of(plan, epoch):
    return [plan.batch(epoch, i) for i in range(plan.batches_per_epoch)]


@pytest.mark.parametrize("k", [2, 3, 4, 9])
def test_exact_composition(k):
    plan = BalancedPlan(EVEN, 5, k, seed=3)
    assert plan.batch_size == 5 * k
    for batch in epoch_of(plan, 0) + epoch_of(plan, 7):
        assert len(set(batch)) == 5 * k
        groups = EVEN[batch].reshape(5, k)
        # Identity after identity, each once.
        assert (groups == groups[:, :1]).all()
        assert len(set(groups[:, 0])) == 5


def test_balanced_data_are_seen_once_an_epoch():
    plan = BalancedPlan(EVEN, 4, 3, seed=0)
    assert (plan.rounds, plan.batches_per_epoch) == (3, 9)
    assert plan.epochs_to_see_all == 1
    for epoch in range(3):
        seen = np.concatenate(epoch_of(plan, epoch))
        assert sorted(seen) == list(range(len(EVEN)))


def test_facenet_composition():
    plan = BalancedPlan(EVEN, 4, 6, seed=0, random_negatives=10)
    assert plan.batch_size == 34
    met = set()
    for batch in epoch_of(plan, 0):
        own, others = EVEN[batch[:24]], EVEN[batch[24:]]
        assert (np.unique(own, return_counts=True)[1] == 6).all()
        assert len(others) == 10 and not set(own) & set(others)
        assert len(set(batch)) == 34
        met |= set(others)
    assert met == set(range(12))


def test_identities_with_few_images():
    """They bring all they have; others fill their places."""
    plan = BalancedPlan(UNEVEN, 6, 8, seed=0)
    assert plan.batch_size == 48
    counts = dict(zip(*np.unique(UNEVEN, return_counts=True), strict=True))
    short = 0
    for batch in epoch_of(plan, 0):
        assert len(set(batch)) == 48
        labels = UNEVEN[batch]
        place = 0
        main = []
        for _ in range(6):
            who = labels[place]
            size = min(8, counts[who])
            assert size >= 2
            assert (labels[place : place + size] == who).all()
            main.append(who)
            place += size
            short += size < 8
        assert len(set(main)) == 6
        assert not set(main) & set(labels[place:])
    assert short


def test_smaller_batch_where_no_others_are_left():
    labels = [0, 0, 0, 0, 1, 1, 2, 2, 2]
    plan = BalancedPlan(labels, 3, 4, seed=0)
    assert plan.batch_size is None
    assert all(len(batch) == 9 for batch in epoch_of(plan, 0))
    # A single is left, for one of the three free places.
    plan = BalancedPlan([*labels, 5], 3, 4, seed=0)
    assert all(set(batch) == set(range(10)) for batch in epoch_of(plan, 0))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [(4, 3), (7, 4), (44, 2), (5, 30)])
def test_coverage(shape, seed):
    plan = BalancedPlan(UNEVEN, *shape, seed=seed, rounds_per_epoch=2)
    epochs = plan.epochs_to_see_all
    rounds = math.ceil(25 / shape[1])
    assert epochs == math.ceil(rounds / 2)
    seen = {i for e in range(epochs) for b in epoch_of(plan, e) for i in b}
    counts = np.unique(UNEVEN, return_counts=True)[1]
    pairs = set(np.flatnonzero(counts[Identities.of(UNEVEN).owner] > 1))
    assert pairs <= seen


def test_turns_cover_an_identity_in_each_cycle():
    """Not only from epoch 0: ceil(c / K) rounds from each cycle's begin."""
    plan = BalancedPlan(np.repeat([0, 1], [7, 2]), 1, 3, seed=0)
    orders = []
    for cycle in range(4):
        turns = [plan._next_images(0, 3 * cycle + t) for t in range(3)]
        assert all(len(set(turn)) == 3 for turn in turns)
        assert {i for turn in turns for i in turn} == set(range(7))
        orders.append(np.concatenate(turns).tolist())
    assert len({tuple(order) for order in orders}) == 4


@pytest.mark.parametrize("negatives", [2, 5, 7])
@pytest.mark.parametrize("seed", range(3))
def test_singles_are_seen_as_random_negatives(seed, negatives):
    """All in the first ceil(N / Q) batches: each takes the next Q of a walk."""
    plan = BalancedPlan(UNEVEN, 4, 3, seed=seed, random_negatives=negatives)
    assert plan.singles == 16
    walk = -(-len(UNEVEN) // negatives)
    counts = np.unique(UNEVEN, return_counts=True)[1]
    singles = np.flatnonzero(counts[Identities.of(UNEVEN).owner] == 1)
    assert set(singles) <= {i for t in range(walk) for i in plan.batch(0, t)}
    assert plan.epochs_to_see_all == max(
        -(-walk // plan.batches_per_epoch), -(-9 // plan.rounds)
    )
    epochs = range(plan.epochs_to_see_all)
    seen = {i for e in epochs for b in epoch_of(plan, e) for i in b}
    assert seen == set(range(len(UNEVEN)))


def test_a_function_of_seed_epoch_and_batch():
    options = dict(classes_per_batch=4, samples_per_class=5, seed=11)
    plan = BalancedPlan(UNEVEN, **options, random_negatives=3)
    forth = [epoch_of(plan, e) for e in range(3)]
    other = BalancedPlan(UNEVEN, **options, random_negatives=3)
    for epoch in (2, 0, 1):
        for index in reversed(range(plan.batches_per_epoch)):
            np.testing.assert_array_equal(
                other.batch(epoch, index), forth[epoch][index]
            )
    batches = {tuple(b) for epoch in forth for b in epoch}
    assert len(batches) == 3 * plan.batches_per_epoch
    changed = BalancedPlan(UNEVEN, **{**options, "seed": 12})
    assert set(changed.batch(0, 0)) != set(forth[0][0])


@pytest.mark.parametrize("negatives", [0, 4])
@pytest.mark.parametrize("shards", [2, 3, 5])
def test_shards_share_no_image(shards, negatives):
    plans = [
        BalancedPlan(
            UNEVEN,
            *(6, 3),
            seed=5,
            random_negatives=negatives,
            num_shards=shards,
            shard_index=index,
        )
        for index in range(shards)
    ]
    assert len({plan.batches_per_epoch for plan in plans}) == 1
    assert len({plan.rounds for plan in plans}) == 1
    epochs = max(plan.epochs_to_see_all for plan in plans)
    seen = [
        {i for e in range(epochs) for b in epoch_of(plan, e) for i in b}
        for plan in plans
    ]
    assert sum(map(len, seen)) == len(set().union(*seen))
    if negatives:
        assert set().union(*seen) == set(range(len(UNEVEN)))
    people = [set(UNEVEN[list(images)]) for images in seen]
    assert sum(map(len, people)) == len(set().union(*people))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": np.arange(5)}, "must have an identity with two images"),
        ({"classes_per_batch": 13}, r"two images or more, 12\. Received"),
        ({"classes_per_batch": 0}, "`classes_per_batch` must be an integer"),
        ({"classes_per_batch": 7, "num_shards": 2}, "12 in 2 shards"),
        ({"samples_per_class": 1}, "`samples_per_class` must be at least 2"),
        ({"random_negatives": -1}, "`random_negatives` must be an integer, at"),
        ({"random_negatives": 73}, "72 next to the largest"),
        ({"rounds_per_epoch": 0}, "`rounds_per_epoch` must be an integer"),
        ({"num_shards": 2, "shard_index": 2}, "`shard_index` must be below"),
        ({"num_shards": 2, "seed": None}, "same number on every worker"),
        ({"seed": -1}, "`seed` must be an integer, at least 0"),
        ({"labels": np.eye(4)}, r"`np.argmax\(labels, axis=-1\)`"),
        ({"labels": []}, "one class index per image"),
        ({"labels": [0.0, 0.5]}, "must be whole numbers"),
        ({"labels": [0.0, np.nan]}, "must be whole numbers"),
        ({"labels": ["ann", "bob"]}, r"np.unique\(labels, return_inverse"),
        ({"labels": [7, 7, 2**31]}, "up to 2147483647. Received: .*2147483648"),
        ({"labels": [1.0, 1.0, 2.0**40]}, "whole numbers up to 2147483647"),
        ({"labels": [0, 2**64 + 1]}, "whole numbers up to 2147483647"),
    ],
)
def test_errors(change, message):
    options = dict(
        labels=EVEN, classes_per_batch=4, samples_per_class=3, seed=0
    )
    with pytest.raises(ValueError, match=message) as error:
        BalancedPlan(**{**options, **change})
    assert "\n" not in str(error.value)
    assert "Received: " in str(error.value)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_labels_of_any_kind(dtype):
    labels = EVEN.astype(dtype)[:, None]
    plan = BalancedPlan(labels, 4, 3, seed=1)
    same = BalancedPlan(EVEN, 4, 3, seed=1)
    np.testing.assert_array_equal(plan.batch(0, 0), same.batch(0, 0))
    assert plan.known.labels.dtype.kind in "iu"


def test_large_labels_stay_apart():
    """Neighbors beyond what float32 tells apart, up to the largest."""
    labels = np.repeat(2**31 - 1 - np.arange(4), 3)
    plan = BalancedPlan(labels, 4, 3, seed=0)
    assert plan.known.labels.tolist() == labels.tolist()
    assert (
        np.unique(labels[plan.batch(0, 0)], return_counts=True)[1] == 3
    ).all()


def test_grouping_by_a_loop():
    known = Identities.of(UNEVEN)
    names = sorted(set(UNEVEN.tolist()))
    for identity, name in enumerate(names):
        expected = [i for i, label in enumerate(UNEVEN) if label == name]
        first = known.starts[identity]
        found = known.images[first : first + known.counts[identity]]
        assert found.tolist() == expected
        assert (known.owner[expected] == identity).all()


def test_a_million_labels():
    """No loop over images; tests/benchmarks/balanced_batches.py times it."""
    labels = np.random.default_rng(0).integers(0, 50_000, 1_000_000)
    began = time.process_time()
    plan = BalancedPlan(labels, 45, 38, seed=0, random_negatives=90)
    assert time.process_time() - began < 20
    assert plan.batch_size == 1800
    batch = plan.batch(3, plan.batches_per_epoch - 1)
    assert len(set(batch)) == 1800
    assert len(set(labels[batch])) > 45
