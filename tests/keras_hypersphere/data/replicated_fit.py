"""Fits `balanced_dataset` on one device and on two: prints both losses.

Its own process, since CPUs must be split before TensorFlow is used.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from keras_hypersphere.backend import logical_cpus
from keras_hypersphere.data.balanced_dataset import balanced_dataset
from keras_hypersphere.losses.pair_contrastive_loss import PairContrastiveLoss

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(24), 9))
IMAGES = np.random.default_rng(1).random((len(LABELS), 6, 5), "float32")


def losses(strategy: tf.distribute.Strategy, **options: int) -> list[float]:
    """The losses of three epochs.

    Of pairs, since mining turns the last digit into another triplet.
    """
    with strategy.scope():
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [
                keras.Input((6, 5)),
                keras.layers.Flatten(),
                keras.layers.Dense(4),
                keras.layers.UnitNormalization(),
            ]
        )
        model.compile(keras.optimizers.SGD(0.1), PairContrastiveLoss())
    dataset = balanced_dataset(
        LABELS, 4, 3, load=IMAGES, seed=0, rounds_per_epoch=6, **options
    )
    return model.fit(dataset, epochs=3, verbose=0).history["loss"]


if __name__ == "__main__":
    logical_cpus.split_cpu(2)
    found = {
        "one": losses(tf.distribute.get_strategy()),
        "two": losses(logical_cpus.mirrored_cpus(2)),
        # The border between replicas goes through an identity.
        "two, with negatives": losses(
            logical_cpus.mirrored_cpus(2), random_negatives=2
        ),
        "one, with negatives": losses(
            tf.distribute.get_strategy(), random_negatives=2
        ),
    }
    print(json.dumps(found))
