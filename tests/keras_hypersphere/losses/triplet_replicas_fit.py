"""Trains the triplet losses on some replicas; run by test_triplet_replicas.

Usage: python -m tests.keras_hypersphere.losses.triplet_replicas_fit \
    REPLICAS SAMPLES OUT.npz
"""

import sys

import keras
import numpy as np

from keras_hypersphere import addons
from keras_hypersphere.losses.harmonic_triplet_loss import HarmonicTripletLoss
from keras_hypersphere.losses.pair_contrastive_loss import PairContrastiveLoss
from keras_hypersphere.losses.triplet_loss import TripletLoss
from tests.keras_hypersphere.replicas.fit import scope

LOSSES = {
    "semi_hard": TripletLoss(2.0),
    "largest": TripletLoss(2.0, fallback="largest"),
    "hard": TripletLoss(1.0, mining="hard", distance="l2"),
    "all": TripletLoss(mining="all", reduction="mean_with_sample_weight"),
    "harmonic": HarmonicTripletLoss(1.0, same_image=False),
}
# These look at the samples of one replica.
ALONE = {
    "semi_hard": TripletLoss(4.0, cross_replica=False),
    "all": TripletLoss(1.0, mining="all", cross_replica=False),
    "harmonic": HarmonicTripletLoss(4.0, same_image=False, cross_replica=False),
    "pairs": PairContrastiveLoss(margin=3.0, cross_replica=False),
    "addons_triplet": addons.losses.TripletSemiHardLoss(4.0),
    "addons_lifted": addons.losses.LiftedStructLoss(),
}
BATCH_SIZE = 16


def data(size=19):
    """Embeddings or features, and labels."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(size, 6)).astype("float32")
    return x, rng.integers(0, 4, size)


def network(loss):
    """The same weights every time."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    model.compile(keras.optimizers.SGD(0.05), loss)
    return model


def step(loss, rows):
    """The kernel after one step with some rows."""
    x, y = data()
    model = network(loss)
    model.fit(x[rows], y[rows], len(rows), shuffle=False, verbose=0)
    return np.array(model.layers[0].kernel)


def see_alone():
    """What a replica's own samples cost, and how they train.

    The last batch that is evaluated is uneven.
    """
    x, y = data()
    found = {}
    for name, loss in ALONE.items():
        value = network(loss).evaluate(x, y, BATCH_SIZE, verbose=0)
        found[f"alone {name}"] = value
        found[f"alone {name} kernel"] = step(loss, np.arange(BATCH_SIZE))
    return found


def train(size):
    """Losses of three epochs, of an evaluation, and all weights."""
    x, y = data(size)
    keras.utils.set_random_seed(0)
    image = keras.Input((6,))
    outputs = {name: keras.layers.Dense(6, name=name)(image) for name in LOSSES}
    model = keras.Model(image, outputs)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss=LOSSES)
    targets = dict.fromkeys(LOSSES, y)
    weights = np.linspace(0.5, 1.5, size).astype("float32")
    # Of 19, batches of 8, 8 and 3: uneven on 2 replicas, one of 4 is empty.
    given = {"sample_weight": weights, "batch_size": 8, "verbose": 0}
    history = model.fit(x, targets, epochs=3, shuffle=False, **given).history
    evaluated = model.evaluate(x, targets, **given)
    found = {v.path: keras.ops.convert_to_numpy(v) for v in model.weights}
    return {
        "losses": np.array([*history["loss"], np.ravel(evaluated)[0]]),
        **found,
    }


def main(count, size, path):
    with scope(count):
        found = train(size)
        # JAX's devices are one program, which always sees the whole batch.
        if keras.backend.backend() == "tensorflow":
            found |= see_alone()
    np.savez(path, **{k.replace("/", "|"): v for k, v in found.items()})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
