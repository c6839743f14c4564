import itertools

import numpy as np
import pytest

from keras_hypersphere.tools.training.held_out_pairs import (
    split_people,
    validation_pairs,
)


class People:
    """Labels are all that is looked at."""

    def __init__(self, photos):
        self.labels = np.random.default_rng(2).permutation(
            np.repeat(np.arange(len(photos)), photos)
        )


def test_people_are_on_one_side():
    source = People([1, 5] * 20)
    training, held_out = split_people(source, 0.1, seed=3)
    both = np.sort(np.concatenate([training, held_out]))
    assert both.tolist() == list(range(len(source.labels)))
    people = set(source.labels[held_out])
    assert len(people) == 4
    assert not people & set(source.labels[training])
    # People with one photo give no pair.
    assert all((source.labels == person).sum() > 1 for person in people)


def test_seed_draws_people():
    source = People([3] * 30)
    draws = [tuple(split_people(source, 0.2, seed)[1]) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


def test_at_least_two_and_two():
    source = People([2, 2, 1, 1])
    training, held_out = split_people(source, 0.9)
    assert len(set(source.labels[held_out])) == 2
    assert len(set(source.labels[training])) == 2


@pytest.mark.parametrize("photos", [[9, 9, 9], [1, 1, 1, 1, 9]])
def test_too_few_people(photos):
    with pytest.raises(ValueError, match="--validation none"):
        split_people(People(photos))


@pytest.mark.parametrize("share", [0, 1, -0.1])
def test_wrong_share(share):
    with pytest.raises(ValueError, match="`share`"):
        split_people(People([2] * 9), share)


def test_all_pairs_of_few_photos():
    source = People([3, 2, 1, 4])
    indices = np.flatnonzero(source.labels != 3)
    pairs, same = validation_pairs(source, indices)
    labels = source.labels[indices]
    all_pairs = set(itertools.combinations(range(len(indices)), 2))
    found = [tuple(sorted(pair)) for pair in pairs.tolist()]
    assert set(found) == all_pairs
    assert len(found) == len(all_pairs)
    assert same.tolist() == [labels[i] == labels[j] for i, j in found]


def test_limit_takes_rounds_of_people():
    source = People([60, 4, 4, 4])
    pairs, same = validation_pairs(source, np.arange(72), seed=1, limit=48)
    assert same.sum() == 24
    assert (~same).sum() == 24
    assert len({tuple(pair) for pair in pairs.tolist()}) == 48
    left, right = source.labels[pairs].T
    assert np.array_equal(left == right, same)
    # Six rounds of four people each, though one has 1,770 pairs.
    assert np.bincount(left[same]).tolist() == [6, 6, 6, 6]
    again, _ = validation_pairs(source, np.arange(72), seed=1, limit=48)
    assert np.array_equal(again, pairs)


def test_one_person_has_nearly_all():
    source = People([400, 2])
    pairs, same = validation_pairs(source, np.arange(402), limit=200)
    assert same.sum() == 100
    left, right = source.labels[pairs[~same]].T
    assert (left != right).all()
    assert len(left) > 50


@pytest.mark.parametrize("photos", [[5], [1, 1, 1]])
def test_no_pair_of_one_kind(photos):
    with pytest.raises(ValueError, match="two photos of one person"):
        validation_pairs(People(photos), np.arange(sum(photos)))
