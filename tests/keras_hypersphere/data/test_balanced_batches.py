import pickle

import keras
import numpy as np
import pytest

from keras_hypersphere.data.balanced_batches import BalancedBatches
from keras_hypersphere.data.labels_as_input import labels_as_input
from keras_hypersphere.losses.pair_contrastive_loss import PairContrastiveLoss

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(12), 9))
IMAGES = np.arange(len(LABELS))[:, None] + np.zeros(3, "float32")
SHAPE = 4, 3


def embedder():
    return keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4),
            keras.layers.UnitNormalization(),
        ]
    )


class Recorder:
    """Loads images and remembers which."""

    def __init__(self):
        self.batches = []

    def __call__(self, indices):
        self.batches.append(tuple(indices.tolist()))
        return IMAGES[indices] / 100.0


@pytest.mark.parametrize("load", [IMAGES, lambda i: IMAGES[i]])
def test_loads(load):
    batches = BalancedBatches(LABELS, *SHAPE, load=load, seed=0)
    x, y = batches[2]
    indices = batches.indices(0, 2)
    np.testing.assert_array_equal(x, IMAGES[indices])
    np.testing.assert_array_equal(y, LABELS[indices])


def test_indices_without_load():
    batches = BalancedBatches(LABELS, *SHAPE, seed=0)
    x, y = batches[0]
    np.testing.assert_array_equal(y, LABELS[x])
    assert batches.batch_size == len(x) == 12
    assert len(list(batches)) == len(batches) == 9


def test_seed_follows_keras():
    keras.utils.set_random_seed(5)
    first = BalancedBatches(LABELS, *SHAPE)
    keras.utils.set_random_seed(5)
    second = BalancedBatches(LABELS, *SHAPE)
    third = BalancedBatches(LABELS, *SHAPE)
    assert first.seed == second.seed != third.seed
    np.testing.assert_array_equal(first[0][0], second[0][0])
    again = BalancedBatches(LABELS, *SHAPE, seed=first.seed)
    np.testing.assert_array_equal(first[0][0], again[0][0])


def test_resumes():
    whole = BalancedBatches(LABELS, *SHAPE, seed=0)
    rest = BalancedBatches(LABELS, *SHAPE, seed=0, initial_epoch=6)
    assert rest.epoch == 6
    np.testing.assert_array_equal(rest[4][0], whole.indices(6, 4))


def test_fit_sees_one_epoch_after_the_other():
    load = Recorder()
    batches = BalancedBatches(LABELS, *SHAPE, load=load, seed=0)
    model = embedder()
    model.compile(
        "sgd",
        PairContrastiveLoss(),
        jit_compile=keras.config.backend() == "jax",
    )
    logs = model.fit(batches, epochs=3, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    assert batches.epoch == 3
    expected = [
        tuple(batches.indices(e, i)) for e in range(3) for i in range(9)
    ]
    # Keras may look at batches of the first epoch before it begins.
    assert set(load.batches[:-27]) <= set(expected[:9])
    if keras.config.backend() == "tensorflow":
        assert load.batches[-27:] == expected
    for epoch in range(3):
        seen = load.batches[-27:][9 * epoch : 9 * (epoch + 1)]
        assert sorted(seen) == sorted(expected[9 * epoch : 9 * (epoch + 1)])


def test_processes():
    """A worker process has its own copy, and makes the same batches."""
    batches = BalancedBatches(
        LABELS, *SHAPE, load=IMAGES, seed=0, use_multiprocessing=True
    )
    batches.epoch = 2
    copy = pickle.loads(pickle.dumps(batches))
    for ours, theirs in zip(batches[3], copy[3], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_labels_as_input():
    batches = BalancedBatches(LABELS, *SHAPE, load=IMAGES, seed=0)
    routed = labels_as_input(batches)
    assert routed.num_batches == 9
    inputs, labels = routed[1]
    np.testing.assert_array_equal(inputs["label"], labels)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (IMAGES[:-1], r"as many images as there are labels, 108\. Received"),
        (IMAGES.tolist(), "None, an array, or a function"),
    ],
)
def test_errors(load, message):
    with pytest.raises(ValueError, match=message):
        BalancedBatches(LABELS, *SHAPE, load=load)


def test_batch_outside():
    with pytest.raises(IndexError, match="batch 9 of 9"):
        BalancedBatches(LABELS, *SHAPE)[9]
