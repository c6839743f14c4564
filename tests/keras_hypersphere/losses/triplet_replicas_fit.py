"""Trains with the triplet losses on some replicas; run by the test beside.

Usage: python triplet_replicas_fit.py REPLICAS OUT.npz LOSS...
"""

import sys

import keras
import numpy as np

from keras_hypersphere.losses.harmonic_triplet_loss import HarmonicTripletLoss
from keras_hypersphere.losses.triplet_loss import TripletLoss
from keras_hypersphere.testing import replicas

LOSSES = {
    "semi_hard": TripletLoss(2.0),
    "largest": TripletLoss(1.0, distance="l2", fallback="largest"),
    "hard": TripletLoss(0.5, mining="hard", distance="cosine"),
    "all": TripletLoss(mining="all", reduction="mean_with_sample_weight"),
    "harmonic": HarmonicTripletLoss(1.0, same_image=False),
}


def train(names):
    """Losses of three epochs, of an evaluation, and all weights."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(19, 5)).astype("float32")
    y = rng.integers(0, 4, 19)
    keras.utils.set_random_seed(0)
    image = keras.Input((5,))
    outputs = {name: keras.layers.Dense(6, name=name)(image) for name in names}
    model = keras.Model(image, outputs)
    losses = {name: LOSSES[name] for name in names}
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), loss=losses)
    targets = dict.fromkeys(names, y)
    weights = np.linspace(0.5, 1.5, 19).astype("float32")
    # Batches of 8, 8 and 3: uneven on 2 replicas, one of 4 stays empty.
    given = {"sample_weight": weights, "batch_size": 8, "verbose": 0}
    history = model.fit(x, targets, epochs=3, shuffle=False, **given).history
    evaluated = model.evaluate(x, targets, **given)
    found = {v.path: np.array(v) for v in model.weights}
    return {
        "losses": np.array([*history["loss"], np.ravel(evaluated)[0]]),
        **found,
    }


def main(count, path, names):
    replicas.prepare(count)
    with replicas.scope(count):
        found = train(names)
    np.savez(path, **{k.replace("/", "|"): v for k, v in found.items()})


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
