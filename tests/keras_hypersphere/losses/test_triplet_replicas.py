import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# Tracing a model for several replicas takes minutes; the conformance checks
# take each kind of mining to two.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.only_on("tensorflow", reason="replicas are tf.distribute's"),
]
NAMES = ("semi_hard", "largest", "hard", "all", "harmonic")
SCRIPT = Path(__file__).with_name("triplet_replicas_fit.py")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function: replicas -> logs and weights, a process each."""
    folder = tmp_path_factory.mktemp("replicas")

    @functools.cache
    def train(count):
        path = folder / f"{count}.npz"
        done = subprocess.run(
            [sys.executable, str(SCRIPT), str(count), str(path), *NAMES],
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        with np.load(path) as file:
            return dict(file)

    return train


@pytest.mark.parametrize("count", [2, 4])
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
    # Which triplets are semi-hard changes from epoch to epoch.
    first, *_, evaluated = one["losses"]
    assert np.isfinite(first)
    assert evaluated < 0.7 * first
    assert len([key for key in one if key.endswith("kernel")]) == len(NAMES)
