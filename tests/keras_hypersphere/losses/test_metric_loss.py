import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.backends import float64


class Norms(MetricLoss):
    """Labels times squared norms."""

    def anchor_losses(self, labels, y_pred):
        assert keras.backend.standardize_dtype(labels.dtype) == "int32"
        assert len(labels.shape) == 1
        squares = ops.sum(ops.square(y_pred), axis=-1)
        return ops.cast(labels, squares.dtype) * squares


X = np.array([[1.0, 2.0], [0.0, 3.0], [2.0, 0.0]], "float32")
LABELS = np.array([1, 2, 3])
VALUES = np.array([5.0, 18.0, 12.0])
WEIGHTS = np.array([1.0, 0.0, 3.0])


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "float32"])
def test_labels_of_any_whole_kind(dtype, shape):
    labels = LABELS.astype(dtype).reshape(shape)
    np.testing.assert_allclose(Norms(reduction=None)(labels, X), VALUES)
    np.testing.assert_allclose(Norms().call(labels, X), VALUES)


@pytest.mark.parametrize(
    ("reduction", "plain", "weighted"),
    [
        ("sum_over_batch_size", 35 / 3, 41 / 3),
        ("mean", 35 / 3, 41 / 3),
        ("mean_with_sample_weight", 35 / 3, 41 / 4),
        ("sum", 35.0, 41.0),
    ],
)
def test_reductions_are_those_of_keras(reduction, plain, weighted):
    loss = Norms(reduction=reduction)
    assert float(loss(LABELS, X)) == pytest.approx(plain)
    assert float(loss(LABELS, X, WEIGHTS)) == pytest.approx(weighted)


def test_no_samples_are_zero():
    empty = np.zeros((0, 2), "float32")
    assert float(Norms()(np.zeros(0, "int32"), empty)) == 0.0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16"])
def test_half_types_compute_in_float32(dtype):
    loss = Norms(dtype=dtype)
    assert loss.dtype == "float32"
    # 4097 has no float16 or bfloat16; its square overflows float16.
    labels = np.array([4097])
    x = ops.convert_to_tensor([[256.0]], "float16")
    assert float(loss(labels, x)) == 4097 * 65536


def test_half_gradients_stay_finite():
    def function(x):
        value = Norms()(np.array([60000]), x)
        return value, value

    x = ops.convert_to_tensor([[60000.0]], "float16")
    result = gradients(function, [x])
    assert result.inputs[0] == 65504


def test_float64():
    with float64():
        loss = Norms(dtype="float64", reduction=None)
        found = loss(np.array([1]), np.array([[1 + 1e-12]]))
    assert keras.backend.standardize_dtype(found.dtype) == "float64"
    assert float(found[0]) - 1 == pytest.approx(2e-12, rel=1e-3)


def test_labels_are_checked():
    with pytest.raises(ValueError, match="argmax"):
        Norms()(np.eye(3), X)
    with pytest.raises(ValueError, match="whole numbers"):
        Norms()(LABELS + 0.5, X)
    with pytest.raises(ValueError, match="each of the 3"):
        Norms()(LABELS[:2], X)
    with pytest.raises(ValueError, match=r"`y_pred` must have shape"):
        Norms()(LABELS, np.zeros((3, 2, 2)))
