"""Trains on photos of a folder on one device and on two: prints differences.

Its own process, since CPUs must be split before TensorFlow is used.

Usage: python -m tests.keras_hypersphere.data.replicated_faces FOLDER
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import keras_hypersphere as kh
from keras_hypersphere.backend import logical_cpus
from tests.keras_hypersphere.data.people import people

SIZE = (16, 14)
# So low that each step clips, and the parts of replicas would each do.
CLIP = 0.05


def trained(source, make, strategy):
    """The weights behind three epochs."""
    batches = make(source, 6, image_size=SIZE, seed=3)
    with strategy.scope():
        keras.utils.set_random_seed(1)
        inputs = keras.Input((*SIZE, 3))
        x = keras.layers.Conv2D(4, 3, strides=2)(inputs)
        x = keras.layers.Dense(8)(keras.layers.Flatten()(x))
        head = kh.layers.ArcFace(len(source.class_names), scale=8.0)
        model = kh.models.MarginModel(keras.Model(inputs, x), head)
        model.compile(kh.optimizers.CaffeSGD(0.5, global_clipnorm=CLIP))
    model.fit(
        batches,
        epochs=3,
        shuffle=False,
        verbose=0,
        callbacks=[batches.follow()],
    )
    return model.get_weights()


def largest(ours, wanted):
    """The largest difference of two lists of arrays."""
    pairs = zip(ours, wanted, strict=True)
    return max(float(np.abs(a - b).max()) for a, b in pairs)


if __name__ == "__main__":
    logical_cpus.split_cpu(2)
    one, two = tf.distribute.get_strategy(), logical_cpus.mirrored_cpus(2)
    source = people(Path(sys.argv[1]), (6, 6, 6, 6, 6), SIZE)
    batches, dataset = kh.data.FaceBatches, kh.data.face_dataset
    wanted = trained(source, batches, one)
    found = {
        "batches": largest(trained(source, batches, two), wanted),
        "dataset": largest(trained(source, dataset, two), wanted),
    }
    print(json.dumps(found))
