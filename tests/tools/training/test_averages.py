import keras
import numpy as np
import pytest

from keras_hypersphere.tools.training.averages import averaged_weights
from tests.tools.training.patches import make_model

X = np.random.default_rng(0).random((24, 16, 16, 3), "float32")
Y = np.arange(24) % 6


def trainable(model):
    return [
        np.array(keras.ops.convert_to_numpy(weight))
        for weight in model.trainable_variables
    ]


def test_averages_come_and_go():
    """Averages by a loop over the weights of each step."""
    model = make_model(use_ema=True, ema_momentum=0.8)
    averages, seen = [], []
    for step in range(4):
        model.train_on_batch(X, Y)
        seen = trainable(model)
        if step == 0:
            averages = [weight.astype("float64") for weight in seen]
        else:
            averages = [
                0.8 * average + 0.2 * weight
                for average, weight in zip(averages, seen, strict=True)
            ]
    with averaged_weights(model):
        inside = trainable(model)
    for found, expected in zip(inside, averages, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    for after, before in zip(trainable(model), seen, strict=True):
        assert np.array_equal(after, before)


@pytest.mark.slow
def test_goes_on_after_a_prediction():
    """On JAX `predict` gives away the buffers of the weights it sees."""
    one, other = (make_model(use_ema=True, ema_momentum=0.8) for _ in "ab")
    for step in range(3):
        for model in (one, other):
            model.train_on_batch(X, Y)
        if step:
            for _ in range(2):
                with averaged_weights(other):
                    other.backbone.predict(X, verbose=0)
    with averaged_weights(one), averaged_weights(other):
        pairs = zip(trainable(one), trainable(other), strict=True)
    for weight, expected in pairs:
        np.testing.assert_allclose(weight, expected, atol=1e-6)


def test_comes_back_after_an_error():
    model = make_model(use_ema=True)
    model.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    before = trainable(model)
    with pytest.raises(RuntimeError), averaged_weights(model):
        raise RuntimeError
    after = trainable(model)
    assert all(map(np.array_equal, before, after))


def test_nothing_without_averages():
    model = make_model()
    before = trainable(model)
    with averaged_weights(model):
        assert all(map(np.array_equal, before, trainable(model)))
