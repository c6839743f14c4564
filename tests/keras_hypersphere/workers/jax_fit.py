"""One process of JAX: plain `fit` under `keras.distribution`.

Usage: python -m tests.keras_hypersphere.workers.jax_fit \
    INDEX ADDRESS,ADDRESS... OUT.npz
"""

import sys

import keras
import numpy as np

from tests.keras_hypersphere.workers import data

BATCH = 12


def main(index, addresses, path):
    count = len(addresses)
    if count > 1:
        keras.distribution.initialize(
            addresses[0], num_processes=count, process_id=index
        )
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(auto_shard_dataset=False)
    )
    # Each process gives its rows of every batch.
    rows = np.arange(len(data.X)).reshape(-1, count, BATCH // count)
    rows = rows[:, index].ravel()
    given = data.X[rows], data.Y[rows]
    size = {"batch_size": BATCH // count, "epochs": 3, "verbose": 0}
    found = {}
    for name, loss in data.LOSSES.items():
        model = data.network()
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss)
        logs = model.fit(*given, shuffle=False, **size).history["loss"]
        found |= data.results(name, logs, model)
    np.savez(path, **found)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2].split(","), *sys.argv[3:])
