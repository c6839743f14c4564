import functools
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere import distribute
from keras_hypersphere.testing.gradients import gradients

SCRIPT = Path(__file__).with_name("replicas_fit.py")


def test_alone_everything_is_the_identity():
    x = ops.convert_to_tensor([[1.0], [2.0]])
    assert distribute.replica_count() == 1
    assert distribute.replica_index() == 0
    assert distribute.sum_over_replicas(x) is x
    rows, first = distribute.gather_over_replicas(x)
    assert rows is x
    assert first == 0
    assert distribute.global_batch_size(7) == 7


def test_the_mean_alone():
    def function(x):
        mean = distribute.batch_mean(ops.sum(x), ops.shape(x)[0])
        return mean, mean

    result = gradients(function, [np.array([1.0, 2.0, 6.0], "float32")])
    assert result.value == 3.0
    np.testing.assert_allclose(result.inputs[0], np.full(3, 1 / 3))
    assert float(distribute.batch_mean(ops.zeros(()), 0)) == 0.0


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function: replicas -> losses and weights, from a process each."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("replicas are tf.distribute's")
    folder = tmp_path_factory.mktemp("replicas")

    @functools.cache
    def train(count):
        path = folder / f"{count}.npz"
        done = subprocess.run(
            [sys.executable, str(SCRIPT), str(count), str(path)],
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        with np.load(path) as file:
            return dict(file)

    return train


# Tracing a model for four replicas takes a minute.
@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_replicas_end_at_one_devices_weights(trained, count):
    """And log its losses: uneven batches and an empty replica included."""
    one, several = trained(1), trained(count)
    assert one.keys() == several.keys()
    for key, wanted in one.items():
        np.testing.assert_allclose(
            several[key], wanted, rtol=1e-5, atol=1e-6, err_msg=key
        )


def test_all_of_them_learn(trained):
    """Equal weights would mean little if nothing moved."""
    one = trained(1)
    first, *later = one["losses"]
    assert np.isfinite(first)
    assert max(later) < 0.8 * first
    # Seven heads and losses and a MarginModel, none without weights.
    dense = [key for key in one if key.endswith("_dense|kernel")]
    assert len(dense) == 8
