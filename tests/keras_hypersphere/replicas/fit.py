"""Trains every head and loss on some replicas; run by test_distribute.

Usage: python -m tests.keras_hypersphere.replicas.fit REPLICAS SAMPLES OUT.npz

Replicas are those of a MirroredStrategy on TensorFlow, devices of
`keras.distribution.DataParallel` on JAX.
"""

import contextlib
import sys

import keras
import numpy as np

from keras_hypersphere.backend.replicas import (
    gather_over_replicas,
    replica_count,
    sum_over_replicas,
)
from keras_hypersphere.testing import replicas
from tests.keras_hypersphere.replicas import subjects

BATCH = 8


def train(model, loss, size, targets=None, dictionary=False, heavy=1.0):
    """Logs and weights of three epochs; what a plain model evaluates to."""
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    # On TensorFlow, Keras does not compile under a strategy either.
    jit = keras.backend.backend() == "jax"
    model.compile(optimizer, loss=loss, jit_compile=jit)
    x, y, weights = subjects.data(size)
    inputs = {"image": x, "label": y} if dictionary else x
    wanted = {name: y for name in targets} if targets else y
    options = {
        "sample_weight": heavy * weights,
        "batch_size": BATCH,
        "verbose": 0,
    }
    # 19 in batches of 8, 8 and 3: uneven on 2 replicas, one of 4 empty.
    logs = model.fit(inputs, wanted, epochs=3, shuffle=False, **options)
    found = {f"logs/{name}": values for name, values in logs.history.items()}
    if not dictionary:
        logs = model.evaluate(inputs, wanted, return_dict=True, **options)
        found |= {f"evaluated/{name}": value for name, value in logs.items()}
    for v in model.weights:
        assert v.path not in found
        found[v.path] = np.array(keras.ops.convert_to_numpy(v))
    return found


def run(size):
    """Everything that there is, by way, head and path."""
    keras.utils.set_random_seed(0)
    model, losses = subjects.functional()
    trained = train(model, losses, size, losses, dictionary=True)
    found = {f"functional/all/{k}": v for k, v in trained.items()}
    ways = [
        ("dense", subjects.dense, name) for name in ("keras", "ours", "light")
    ]
    for name in subjects.FEW:
        ways.append(("headed", subjects.headed, name))
        ways.append(("plain", subjects.plain, name))
    for way, make, name in ways:
        keras.utils.set_random_seed(1)
        model, loss = make(name)
        trained = train(
            model,
            loss,
            size,
            dictionary=way == "headed",
            # Weights of a replica that add up to less than 1.
            heavy=0.05 if name == "light" else 1.0,
        )
        found |= {f"{way}/{name}/{k}": v for k, v in trained.items()}
    return found


def scope(count):
    """Where models are made, with so many replicas."""
    if keras.backend.backend() == "tensorflow":
        replicas.prepare(count)
        return replicas.scope(count)
    devices = keras.distribution.list_devices()
    assert len(devices) == count, devices
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=devices)
    )
    return contextlib.nullcontext()


def main(count, size, path):
    with scope(count):
        found = run(size)
        # Outside a replica there is nobody to talk to.
        assert replica_count() == 1
        rows = keras.ops.arange(3)
        assert gather_over_replicas(rows)[0] is rows
        assert sum_over_replicas(rows) is rows
    np.savez(path, **{k.replace("/", "|"): v for k, v in found.items()})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
