"""Sample weights, class weights and ignored classes reach heads' losses."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.agent_triplet import AgentTriplet
from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from keras_hypersphere.models.margin_model import MarginModel

CLASSES = 4
RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 5)).astype("float32")
Y = np.arange(16) % CLASSES
WEIGHTS = RNG.uniform(0.0, 3.0, 16).astype("float32")
OF_CLASSES = {0: 3.0, 1: 0.5, 2: 1.0, 3: 0.0}
HEADS = {
    "contrastive": lambda **k: [AgentContrastive(CLASSES, **k)],
    "triplet": lambda **k: [AgentTriplet(CLASSES, **k)],
    "centers": lambda **k: [
        CenterLoss(CLASSES, loss_weight=1.0, **k),
        CosineDense(CLASSES, scale=9.0),
    ],
}


def make(head, loss=None, rate=0.1, **options):
    keras.utils.set_random_seed(1)
    backbone = keras.Sequential([keras.Input((5,)), keras.layers.Dense(6)])
    model = MarginModel(backbone, HEADS[head](**options))
    model.compile(keras.optimizers.SGD(rate), loss)
    return model


def own_losses(model, y=Y):
    """The first head's loss of each sample, by itself."""
    head = model.heads[0]
    step = head.step(
        ops.convert_to_tensor(model.predict(X, verbose=0)),
        ops.convert_to_tensor(y.astype("int32")),
        False,
    )
    return ops.convert_to_numpy(step.losses).astype("float64")


def logged(model, **options):
    logs = model.fit(X, Y, batch_size=16, shuffle=False, verbose=0, **options)
    [name] = [n for n in logs.history if n.endswith("_loss")] or ["loss"]
    return logs.history[name][0]


@pytest.mark.parametrize("head", HEADS)
def test_weights_weigh_what_a_head_adds(head):
    losses = own_losses(make(head))
    wanted = np.mean(WEIGHTS * losses)
    assert logged(make(head), sample_weight=WEIGHTS) == pytest.approx(
        wanted, rel=1e-5
    )
    wanted = np.mean(np.array([OF_CLASSES[c] for c in Y]) * losses)
    assert logged(make(head), class_weight=OF_CLASSES) == pytest.approx(
        wanted, rel=1e-5
    )


@pytest.mark.parametrize("head", HEADS)
def test_weights_of_zero_train_nothing(head):
    model = make(head)
    before = [ops.convert_to_numpy(v).copy() for v in model.trainable_weights]
    assert logged(model, sample_weight=np.zeros(16)) == 0.0
    for old, new in zip(before, model.trainable_weights, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))


@pytest.mark.parametrize(
    "eager", [False, pytest.param(True, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("head", HEADS)
def test_an_ignored_class_adds_and_moves_nothing(head, eager):
    """As if its samples were not there."""
    y = np.where(Y == 2, -1, Y)
    kept = Y != 2
    loss = None
    if head == "centers":
        loss = SoftmaxCrossEntropy(ignore_class=-1)
    own = {} if head == "centers" else {"ignore_class": -1}
    ignoring, without = make(head, loss, **own), make(head)
    ignoring.run_eagerly = eager
    logs = ignoring.fit(X, y, batch_size=16, shuffle=False, verbose=0).history
    wanted = without.fit(
        X[kept], Y[kept], batch_size=16, shuffle=False, verbose=0
    ).history
    for name, values in wanted.items():
        assert logs[name] == pytest.approx(values, rel=1e-5), name
    for a, b in zip(ignoring.weights, without.weights, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(a), ops.convert_to_numpy(b), atol=1e-6
        )


def test_the_heads_ignored_class_is_the_default_losss():
    y = np.where(Y == 2, 255, Y)
    backbone = keras.Sequential([keras.Input((5,)), keras.layers.Dense(6)])
    model = MarginModel(backbone, AMSoftmax(CLASSES, ignore_class=255))
    model.compile("sgd")
    assert np.isfinite(model.fit(X, y, verbose=0).history["loss"])
    model.compile("sgd", SoftmaxCrossEntropy(ignore_class=255))
    with pytest.raises(ValueError, match="must be the same"):
        model.compile("sgd", SoftmaxCrossEntropy(ignore_class=-1))
