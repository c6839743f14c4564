"""Several worker processes on one machine: weights and losses of one."""

import functools

import numpy as np
import pytest

from tests.keras_hypersphere.workers.run import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.only_on("tensorflow", reason="it starts both backends itself"),
]
SCRIPTS = {"tensorflow": "tensorflow_loop", "jax": "jax_fit"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function: backend, workers -> what each worker ends with."""

    @functools.cache
    def train(backend, count):
        folder = tmp_path_factory.mktemp("workers")
        codes, errors = run(SCRIPTS[backend], backend, count, folder)
        assert not any(codes), errors[0][-2000:]
        return [dict(np.load(folder / f"{i}.npz")) for i in range(count)]

    return train


@pytest.mark.parametrize(
    "count", [2, pytest.param(3, marks=pytest.mark.everything)]
)
@pytest.mark.parametrize("backend", SCRIPTS)
def test_workers_end_at_one_devices_weights(trained, backend, count):
    """Batches of 8, 8 and 3 on TensorFlow, of 12 on JAX; three epochs."""
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    [one] = trained(backend, 1)
    assert len(one) == (12 if backend == "tensorflow" else 9)
    for worker in trained(backend, count):
        for name, wanted in one.items():
            assert np.isfinite(wanted).all() and wanted.any(), name
            np.testing.assert_allclose(
                worker[name], wanted, rtol=1e-5, atol=1e-6, err_msg=name
            )


@pytest.mark.everything
def test_plain_fit_of_keras_fails_with_two_workers():
    """Of a dense layer and a stock loss. If it does not: use it, say so."""
    codes, errors = run(SCRIPTS["tensorflow"], "tensorflow", 2)
    assert all(codes)
    assert "PerReplica" in errors[0]
