"""What the worker processes of a test train on, and what they tell."""

import keras
import numpy as np

from keras_hypersphere.losses.harmonic_triplet_loss import HarmonicTripletLoss
from keras_hypersphere.losses.triplet_loss import TripletLoss

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 6)).astype("float32")
Y = RNG.integers(0, 4, 24)
LOSSES = {
    "semi-hard": TripletLoss(2.0),
    "hard": TripletLoss(1.0, mining="hard", distance="l2"),
    "harmonic": HarmonicTripletLoss(1.0, same_image=False),
}


def network():
    """The same weights in every process."""
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])


def results(name, losses, model):
    """Arrays to compare, by name."""
    kernel, bias = model.get_weights()
    found = {"losses": np.array(losses), "kernel": kernel, "bias": bias}
    return {f"{name} {key}": value for key, value in found.items()}
