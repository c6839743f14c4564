import functools
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.backend import compilation, replicas
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.replicas import subjects

ROOT = Path(__file__).parents[3]
FIT = "tests.keras_hypersphere.replicas.fit"
ON_TENSORFLOW = pytest.mark.only_on(
    "tensorflow", reason="replicas are tf.distribute's"
)
# Of four, one may have no sample of a batch: they show what two do, and more.
TWO = pytest.param(2, marks=pytest.mark.everything)


def test_alone_everything_is_the_identity():
    x = ops.convert_to_tensor([[1.0], [2.0]])
    assert replicas.replica_count() == 1
    assert replicas.replica_index() == 0
    assert replicas.sum_over_replicas(x) is x
    rows, first = replicas.gather_over_replicas(x)
    assert rows is x
    assert first == 0
    assert replicas.global_batch_size(7) == 7


def test_the_mean_alone():
    def function(x):
        mean = replicas.batch_mean(ops.sum(x), ops.shape(x)[0])
        return mean, mean

    result = gradients(function, [np.array([1.0, 2.0, 6.0], "float32")])
    assert result.value == 3.0
    np.testing.assert_allclose(result.inputs[0], np.full(3, 1 / 3))
    assert float(replicas.batch_mean(ops.zeros(()), 0)) == 0.0
    # Weights may add up to less than 1.
    assert float(replicas.batch_mean(ops.ones(()), 0.25)) == 4.0


def test_a_traced_function_runs_as_a_graph():
    calls = []

    def double(x):
        calls.append(1)
        return 2 * x

    function = compilation.traced(double)
    for _ in range(3):
        found = ops.convert_to_numpy(function(ops.ones(2)))
        np.testing.assert_array_equal(found, [2.0, 2.0])
    # PyTorch has no graphs.
    traced = keras.backend.backend() in ("tensorflow", "jax")
    assert len(calls) == (1 if traced else 3)


def test_loops_are_compiled_once_a_shape():
    calls = []

    @compilation.compiled_loops("times")
    def scaled(x, times):
        calls.append(1)
        body = lambda i, x: (i + 1, 2 * x)  # noqa: E731
        return ops.while_loop(lambda i, _: i < times, body, (0, x))[1]

    for size, times in ((2, 3), (2, 3), (5, 3), (2, 1)):
        found = ops.convert_to_numpy(scaled(ops.ones(size), times=times))
        np.testing.assert_array_equal(found, np.full(size, 2.0**times))
    on_jax = keras.backend.backend() == "jax"
    assert len(calls) == (3 if on_jax else 4)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function: backend, replicas -> logs and weights, of a process each."""
    folder = tmp_path_factory.mktemp("replicas")

    @functools.cache
    def train(backend, count, samples):
        path = folder / f"{backend}-{count}.npz"
        flag = f"--xla_force_host_platform_device_count={count}"
        done = subprocess.run(
            [sys.executable, "-m", FIT, str(count), str(samples), path],
            cwd=ROOT,
            env={**os.environ, "KERAS_BACKEND": backend, "XLA_FLAGS": flag},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        with np.load(path) as file:
            return dict(file)

    return train


def assert_equal(several, one):
    """The same to 1e-5; a stock loss is not asked for that."""
    assert one.keys() == several.keys()
    for key, wanted in one.items():
        assert np.isfinite(wanted).all(), key
        if not key.startswith("dense|keras"):
            np.testing.assert_allclose(
                several[key], wanted, rtol=1e-5, atol=1e-6, err_msg=key
            )


@pytest.mark.slow
@ON_TENSORFLOW
@pytest.mark.parametrize("count", [TWO, 4])
def test_replicas_end_at_one_devices_weights(trained, count):
    """And log its losses, of batches of 8, 8 and 3; one of 4 has none."""
    one = trained("tensorflow", 1, 19)
    assert_equal(trained("tensorflow", count, 19), one)


@pytest.mark.slow
@ON_TENSORFLOW
def test_all_of_them_learn(trained):
    """Equal weights would mean little if nothing moved."""
    one = trained("tensorflow", 1, 19)
    losses = {key: v for key, v in one.items() if key.endswith("logs|loss")}
    assert len(losses) == 4 + 2 * len(subjects.FEW)
    for key, (first, *later) in losses.items():
        assert max(later) < 0.95 * first, key
    # None without weights; a head has the name that ours end with.
    dense = [key for key in one if key.endswith("_dense|kernel")]
    dense.remove("functional|all|cosine_dense|kernel")
    everything = len(subjects.HEADS) + len(subjects.LOSSES)
    assert len(dense) == everything + 2 * len(subjects.FEW) + 3


@pytest.mark.slow
@ON_TENSORFLOW
@pytest.mark.parametrize(
    ("count", "loss", "bias"),
    [
        (1, 1.171, 0.058),
        pytest.param(2, 1.128, -0.030, marks=pytest.mark.everything),
        (4, 1.148, -0.002),
    ],
)
def test_a_stock_loss_and_uneven_batches(trained, count, loss, bias):
    """The figures of docs/distribution.md."""
    found = trained("tensorflow", count, 19)
    for name, size, first in (("keras", loss, bias), ("ours", 1.171, 0.058)):
        ended = found[f"dense|{name}|evaluated|loss"]
        assert ended == pytest.approx(size, abs=5e-4)
        biases = found[f"dense|{name}|plain_dense|bias"]
        assert biases[0] == pytest.approx(first, abs=5e-4)


@pytest.mark.slow
@pytest.mark.parametrize("count", [TWO, 4])
def test_devices_of_jax_end_at_one_devices_weights(trained, count):
    pytest.importorskip("jax", reason="JAX is not installed")
    one = trained("jax", 1, 16)
    assert_equal(trained("jax", count, 16), one)
