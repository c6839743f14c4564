"""Trains every agent head and loss on some replicas; run by test_distribute.

Usage: python replicas_fit.py REPLICAS OUT.npz
"""

import sys

import keras
import numpy as np

from keras_hypersphere import distribute
from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.agent_triplet import AgentTriplet
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.inner_distance import InnerDistance
from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.losses.pair_contrastive_loss import PairContrastiveLoss
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.testing import replicas

CLASSES = 4
EVERYTHING = {
    "adaptive_margin": True,
    "normalize_negative": 0.5,
    "max_positive_only": True,
    "max_negative_only": True,
    "positive_first": True,
    "negative_margin": 1.5,
}


def centers():
    return keras.initializers.RandomNormal(seed=3)


HEADS = {
    "contrastive_caffe": lambda: AgentContrastive(
        CLASSES, gradient="caffe", **EVERYTHING
    ),
    "contrastive_options": lambda: AgentContrastive(CLASSES, **EVERYTHING),
    "triplet_caffe": lambda: AgentTriplet(
        CLASSES, gradient="caffe", hardest_only=False
    ),
    "center": lambda: CenterLoss(
        CLASSES, loss_weight=1.0, center_initializer=centers()
    ),
    "center_caffe": lambda: CenterLoss(
        CLASSES, loss_weight=0.1, gradient="caffe", center_initializer=centers()
    ),
}
LOSSES = {
    "contrastive_loss": AgentContrastiveLoss(normalize_negative=0.5),
    "pair_loss": PairContrastiveLoss(
        margin=2.0, reduction="mean_with_sample_weight"
    ),
}


def model():
    """One model of all heads and losses, each on a dense layer of its own."""
    keras.utils.set_random_seed(0)
    image = keras.Input((5,), name="image")
    label = keras.Input((), dtype="int32", name="label", optional=True)
    outputs = {}
    for name in [*HEADS, *LOSSES]:
        features = keras.layers.Dense(6, name=f"{name}_dense")(image)
        if name in HEADS:
            features = HEADS[name]()(features, labels=label)
        elif not name.endswith("pair_loss"):
            agents = InnerDistance(CLASSES, normalize_kernel=True)
            features = agents(features)
        outputs[name] = keras.layers.Identity(name=name)(features)
    return keras.Model({"image": image, "label": label}, outputs)


def train():
    """Losses of three epochs, of an evaluation, and all weights."""
    x = np.random.default_rng(0).normal(size=(19, 5)).astype("float32")
    y = np.arange(19) % CLASSES
    whole = model()
    whole.compile(
        keras.optimizers.SGD(0.1, momentum=0.9),
        loss={name: LOSSES.get(name) for name in whole.output},
    )
    data = {"image": x, "label": y}
    targets = {name: y for name in whole.output}
    weights = np.linspace(0.5, 1.5, 19).astype("float32")
    # Batches of 8, 8 and 3: uneven on 2 replicas, one of 4 stays empty.
    weighted = {"sample_weight": weights, "batch_size": 8, "verbose": 0}
    history = whole.fit(data, targets, epochs=3, shuffle=False, **weighted)
    evaluated = whole.evaluate(data, targets, **weighted)
    logged = [*history.history["loss"], np.ravel(evaluated)[0]]
    found = {v.path: np.array(v) for v in whole.weights}
    assert len(found) == len(whole.weights)
    return {
        "losses": np.array(logged),
        **found,
        **train_margin_model(x, y, weighted),
    }


def train_margin_model(x, y, weighted):
    """The logs and weights of a MarginModel with its default loss."""
    keras.utils.set_random_seed(1)
    margin_model = MarginModel(
        keras.Sequential(
            [keras.Input((5,)), keras.layers.Dense(6, name="margin_dense")]
        ),
        [
            CenterLoss(CLASSES, loss_weight=0.1, center_initializer=centers()),
            ASoftmax(CLASSES, margin=2),
        ],
        name="margin",
    )
    margin_model.compile(keras.optimizers.SGD(0.1, momentum=0.9))
    logs = margin_model.fit(x, y, epochs=3, shuffle=False, **weighted).history
    found = {f"margin/{v.path}": np.array(v) for v in margin_model.weights}
    assert len(found) == len(margin_model.weights)
    return found | {f"margin/logs/{k}": np.array(v) for k, v in logs.items()}


def main(count, path):
    replicas.prepare(count)
    with replicas.scope(count):
        found = train()
        # Outside a replica there is nobody to talk to.
        assert distribute.replica_count() == 1
        rows = keras.ops.arange(3)
        assert distribute.gather_over_replicas(rows)[0] is rows
        assert distribute.sum_over_replicas(rows) is rows
    np.savez(path, **{k.replace("/", "|"): v for k, v in found.items()})


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
