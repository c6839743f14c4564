"""Losses on two replicas compared with one; run by test_two_replicas.

Prints, for each loss, what two replicas give together and what one gives.
"""

import json

import numpy as np
import tensorflow as tf

from keras_hypersphere.backend import logical_cpus
from keras_hypersphere.losses.circle_loss import CircleLoss
from keras_hypersphere.losses.harmonic_triplet_loss import HarmonicTripletLoss
from keras_hypersphere.losses.multi_similarity_loss import MultiSimilarityLoss
from keras_hypersphere.losses.supervised_contrastive_loss import (
    SupervisedContrastiveLoss,
)
from keras_hypersphere.losses.triplet_loss import TripletLoss

LOSSES = {
    "all": TripletLoss(mining="all"),
    "multi-similarity": MultiSimilarityLoss(epsilon=0.1),
    "circle": CircleLoss(),
    "supervised": SupervisedContrastiveLoss(),
    "harmonic": HarmonicTripletLoss(1.0, "hard", same_image=False),
}


def main():
    logical_cpus.split_cpu(2)
    strategy = logical_cpus.mirrored_cpus(2)
    # The first replica has many pairs, the second few.
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 3], "int32")
    x = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")

    def part(array):
        halves = np.split(array, 2)
        return strategy.experimental_distribute_values_from_function(
            lambda context: tf.constant(
                halves[context.replica_id_in_sync_group]
            )
        )

    @tf.function
    def together(y, x):
        return {
            name: strategy.reduce("SUM", strategy.run(loss, (y, x)), None)
            for name, loss in LOSSES.items()
        }

    found = together(part(labels), part(x))
    result = {
        name: [float(found[name]), float(loss(labels, x))]
        for name, loss in LOSSES.items()
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
