import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.keras_hypersphere.losses import triplet_replicas_fit as fitted

# Tracing a model for several replicas takes minutes; the conformance checks
# take each kind of mining to two.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.only_on("tensorflow", reason="it starts both backends itself"),
]
# Of four, one may have no sample of a batch: they show what two do, and more.
TWO = pytest.param(2, marks=pytest.mark.everything)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function: backend, replicas -> logs and weights, a process each."""
    folder = tmp_path_factory.mktemp("replicas")

    @functools.cache
    def train(backend, count):
        path = folder / f"{backend}-{count}.npz"
        # JAX wants batches that divide by the number of devices.
        size = 19 if backend == "tensorflow" else 16
        flag = f"--xla_force_host_platform_device_count={count}"
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                fitted.__name__,
                str(count),
                str(size),
                path,
            ],
            cwd=ROOT,
            env={**os.environ, "KERAS_BACKEND": backend, "XLA_FLAGS": flag},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        with np.load(path) as file:
            return dict(file)

    return train


@pytest.mark.parametrize("count", [TWO, 4])
@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_replicas_end_at_one_devices_weights(trained, backend, count):
    """And log its losses: uneven batches and an empty replica included."""
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    one, several = trained(backend, 1), trained(backend, count)
    assert one.keys() == several.keys()
    for key, wanted in one.items():
        if key.startswith("alone"):
            continue
        np.testing.assert_allclose(
            several[key], wanted, rtol=1e-5, atol=1e-6, err_msg=key
        )


def parts(rows, count):
    """What each replica gets of a batch; the last may get less, or none."""
    share = -(-len(rows) // count)
    return np.split(rows, range(share, len(rows), share))


@pytest.mark.parametrize("count", [1, TWO, 4])
@pytest.mark.parametrize("name", fitted.ALONE)
def test_without_the_other_replicas(trained, count, name):
    """Each replica's mean of its own terms, weighed by its samples."""
    x, y = fitted.data()
    loss = fitted.ALONE[name]
    embed = fitted.network(loss)
    wanted = 0.0
    for batch in np.split(np.arange(len(y)), [fitted.BATCH_SIZE]):
        for rows in parts(batch, count):
            value = loss(y[rows], embed.predict(x[rows], verbose=0))
            wanted += len(rows) * float(value) / len(y)
    assert wanted > 0.1
    found = trained("tensorflow", count)
    assert float(found[f"alone {name}"]) == pytest.approx(wanted, rel=1e-5)
    # A step of all replicas is the mean of the steps of each.
    steps = [
        fitted.step(loss, rows)
        for rows in parts(np.arange(fitted.BATCH_SIZE), count)
    ]
    moved = np.abs(np.mean(steps, axis=0) - embed.layers[0].kernel).max()
    assert moved > 1e-3
    np.testing.assert_allclose(
        found[f"alone {name} kernel"],
        np.mean(steps, axis=0),
        rtol=1e-5,
        atol=1e-5 * moved,
    )


def test_all_of_them_learn(trained):
    """Equal weights would mean little if nothing moved."""
    one = trained("tensorflow", 1)
    # Which triplets are semi-hard changes from epoch to epoch.
    first, *_, evaluated = one["losses"]
    assert np.isfinite(first)
    assert evaluated < 0.7 * first
    kernels = [key for key in one if key.endswith("|kernel")]
    assert len(kernels) == len(fitted.LOSSES)
