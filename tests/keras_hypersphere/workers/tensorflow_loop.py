"""One worker of TensorFlow: the loop of docs/distribution.md.

Usage: python -m tests.keras_hypersphere.workers.tensorflow_loop \
    INDEX ADDRESS,ADDRESS... OUT.npz

Without OUT.npz, plain `fit` of Keras.
"""

import json
import os
import sys

import numpy as np
import tensorflow as tf


def joined(index, addresses):
    """The strategy of several workers; TensorFlow's default for one."""
    if len(addresses) == 1:
        return tf.distribute.get_strategy()
    task = {"type": "worker", "index": index}
    cluster = {"cluster": {"worker": addresses}, "task": task}
    os.environ["TF_CONFIG"] = json.dumps(cluster)
    return tf.distribute.MultiWorkerMirroredStrategy()


def uneven(x, y):
    """19 samples in batches of 8, 8 and 3; each worker takes a part."""
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    dataset = tf.data.Dataset.from_tensor_slices((x[:19], y[:19])).batch(8)
    return dataset.with_options(options)


def train(strategy, make, loss, dataset):
    """Three epochs; returns the loss of each step, and the model."""
    import keras

    with strategy.scope():
        model = make()
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
        optimizer.build(model.trainable_variables)

    @tf.function
    def train_step(batch):
        def replica_step(x, y):
            with tf.GradientTape() as tape:
                value = loss(y, model(x, training=True))
            found = tape.gradient(value, model.trainable_variables)
            optimizer.apply_gradients(
                zip(found, model.trainable_variables, strict=True)
            )
            return value

        values = strategy.run(replica_step, batch)
        return strategy.reduce("SUM", values, axis=None)

    batches = strategy.experimental_distribute_dataset(dataset)
    losses = [float(train_step(b)) for _ in range(3) for b in batches]
    return losses, model


def main(index, addresses, path=None):
    # Before Keras uses the backend, which would end the chance to join.
    strategy = joined(index, addresses)
    from keras_hypersphere.data.balanced_dataset import balanced_dataset
    from tests.keras_hypersphere.workers import data

    if path is None:
        with strategy.scope():
            model = data.network()
            model.compile("sgd", "mse")
        model.fit(data.X, data.X[:, :4], verbose=0)
        return
    found = {}
    dataset = uneven(data.X, data.Y)
    for name, loss in data.LOSSES.items():
        ended = train(strategy, data.network, loss, dataset)
        found |= data.results(name, *ended)
    dataset = balanced_dataset(data.Y, 3, 2, load=data.X, seed=0)
    loss = data.LOSSES["hard"]
    ended = train(strategy, data.network, loss, dataset)
    np.savez(path, **found, **data.results("balanced", *ended))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2].split(","), *sys.argv[3:])
