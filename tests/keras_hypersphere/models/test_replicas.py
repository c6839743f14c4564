"""A MarginModel on two replicas: losses, logs and weights of one device."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.testing import replicas

RNG = np.random.default_rng(0)
X = RNG.normal(size=(11, 4)).astype("float32")
Y = np.arange(11) % 3
WEIGHTS = RNG.uniform(0.5, 2.0, 11).astype("float32")


def train():
    """Logs and weights; batches of 8 and 3, the second uneven."""
    rules = {"kernel_regularizer": keras.regularizers.L2(0.1)}
    start = keras.initializers.RandomNormal(seed=0)
    dense = keras.layers.Dense(4, kernel_initializer=start, **rules)
    cosine = CosineDense(3, scale=8.0, kernel_initializer=start, **rules)
    model = MarginModel(
        keras.Sequential([keras.Input((4,)), dense]),
        [CenterLoss(3, loss_weight=0.5), cosine],
    )
    model.compile(keras.optimizers.SGD(0.1))
    logs = model.fit(
        X, Y, 8, sample_weight=WEIGHTS, shuffle=False, verbose=0
    ).history
    weights = {str(i): np.asarray(v) for i, v in enumerate(model.weights)}
    return {**weights, **{k: np.asarray(v) for k, v in logs.items()}}


@pytest.mark.only_on("tensorflow", reason="replicas are tf.distribute's")
@pytest.mark.slow
def test_two_replicas_train_as_one(tmp_path):
    file = tmp_path / "found.npz"
    run = subprocess.run(
        [sys.executable, "-m", __name__, str(file)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    found = np.load(file)
    for name, value in train().items():
        np.testing.assert_allclose(
            found[name], value, rtol=1e-5, atol=1e-6, err_msg=name
        )


if __name__ == "__main__":
    replicas.prepare(2)
    with replicas.scope(2):
        results = train()
    np.savez(sys.argv[1], **results)
