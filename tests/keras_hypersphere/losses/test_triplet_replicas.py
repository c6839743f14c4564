import functools
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("triplet_replicas_fit.py")


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
    assert max(later) < 0.9 * first
    assert len([key for key in one if key.endswith("kernel")]) == 5
