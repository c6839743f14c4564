import keras
import numpy as np
import pytest

from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from keras_hypersphere.testing.gradients import gradients


def test_equals_keras_on_one_device():
    rng = np.random.default_rng(0)
    logits = (5 * rng.normal(size=(6, 4))).astype("float32")
    labels = rng.integers(0, 4, 6)
    weights = rng.random(6).astype("float32")
    stock = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for sample_weight in (None, weights):
        assert float(
            SoftmaxCrossEntropy()(labels, logits, sample_weight)
        ) == pytest.approx(float(stock(labels, logits, sample_weight)), 1e-6)


def test_saturated_logits_have_a_finite_loss_and_the_right_gradient():
    logits = np.array([[3e38, 0.0], [0.0, 3e38]], "float32")

    def function(x):
        loss = SoftmaxCrossEntropy()(np.array([1, 0]), x)
        return loss, loss

    result = gradients(function, [logits])
    assert np.isfinite(result.value)
    np.testing.assert_allclose(result.inputs[0], [[0.5, -0.5], [-0.5, 0.5]])


def test_one_hot_labels_are_refused():
    with pytest.raises(ValueError, match="one class index per sample"):
        SoftmaxCrossEntropy()(np.eye(3), np.zeros((3, 3)))
