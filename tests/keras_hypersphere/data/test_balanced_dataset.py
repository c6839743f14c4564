import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.data.balanced_batches import BalancedBatches
from keras_hypersphere.data.balanced_dataset import balanced_dataset

tf = pytest.importorskip("tensorflow")

ROOT = Path(__file__).parents[3]
LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(12), 9))
IMAGES = np.random.default_rng(1).random((len(LABELS), 6, 5), "float32")
OPTIONS = dict(classes_per_batch=4, samples_per_class=3, seed=0)


@pytest.mark.parametrize("load", [None, IMAGES, lambda i: IMAGES[i]])
def test_the_batches_of_balanced_batches(load):
    dataset = balanced_dataset(LABELS, **OPTIONS, load=load)
    batches = BalancedBatches(LABELS, **OPTIONS, load=load)
    assert len(dataset) == len(batches) == 9
    x, y = dataset.element_spec
    assert x.shape == (12, *((6, 5) if load is not None else ()))
    assert y.shape == (12,)
    for epoch in range(3):
        batches.epoch = epoch
        for index, (x, y) in enumerate(dataset):
            np.testing.assert_array_equal(x, batches[index][0])
            np.testing.assert_array_equal(y, batches[index][1])
        assert index == 8


def test_nested_inputs():
    def load(indices):
        return {"image": IMAGES[indices], "who": (indices, LABELS[indices])}

    dataset = balanced_dataset(LABELS, **OPTIONS, load=load)
    x, y = next(iter(dataset))
    indices, labels = x["who"]
    np.testing.assert_array_equal(x["image"], IMAGES[indices.numpy()])
    np.testing.assert_array_equal(y, labels)


def test_batch_size_is_static_only_if_all_are_full():
    labels = [0, 0, 0, 0, 1, 1, 2, 2, 2]
    x, _ = balanced_dataset(labels, 3, 4).element_spec
    assert x.shape == (None,)
    sizes = [len(y) for _, y in balanced_dataset(labels, 3, 4)]
    assert set(sizes) == {9}


def test_a_look_ahead_is_no_epoch():
    labels = np.repeat(np.arange(100), 30)
    dataset = balanced_dataset(labels, 2, 2, seed=0)
    batches = BalancedBatches(labels, 2, 2, seed=0)
    for _ in range(3):
        first, _ = next(iter(dataset))
        np.testing.assert_array_equal(first, batches.indices(0, 0))


def test_shards_and_resuming():
    shards = [
        balanced_dataset(
            LABELS, **OPTIONS, num_shards=3, shard_index=i, initial_epoch=2
        )
        for i in range(3)
    ]
    seen = [np.concatenate([x for x, _ in shard]) for shard in shards]
    assert sorted(np.concatenate(seen)) == list(range(len(LABELS)))


@pytest.mark.slow
@pytest.mark.only_on("tensorflow", reason="replicas are tf.distribute's")
def test_fit_on_replicas():
    """Replicas share each batch; the loss is one device's."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.keras_hypersphere.data.replicated_fit"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    losses = json.loads(done.stdout.splitlines()[-1])
    for kind in ("", ", with negatives"):
        one, two = (losses[count + kind] for count in ("one", "two"))
        assert len(set(one)) == 3
        np.testing.assert_allclose(two, one, rtol=1e-5)
