"""The cases of TensorFlow Addons' own tests, by hand."""

import keras
import numpy as np
import pytest

from keras_hypersphere.addons.losses import ContrastiveLoss, contrastive_loss

FLAGS = np.array([0, 0, 1, 1, 0, 1])
DISTANCES = np.array([0.1, 0.3, 1.3, 0.7, 1.1, 0.5], "float32")
# Squares of 0.9, 0.7, 1.3, 0.7, 0 and 0.5.
VALUES = np.array([0.81, 0.49, 1.69, 0.49, 0.0, 0.25])


def test_config():
    loss = ContrastiveLoss(reduction="sum", name="cl")
    assert (loss.name, loss.reduction) == ("cl", "sum")
    assert ContrastiveLoss().name == "contrastive_loss"
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()


def test_zero_loss():
    assert float(ContrastiveLoss()(FLAGS, 1.0 - FLAGS)) == 0


@pytest.mark.parametrize(
    ("kwargs", "wanted"),
    [
        ({}, VALUES.mean()),
        ({"margin": 2.0}, (3.61 + 2.89 + 1.69 + 0.49 + 0.81 + 0.25) / 6),
        ({"reduction": "none"}, VALUES),
        ({"reduction": None}, VALUES),
        ({"reduction": "sum"}, VALUES.sum()),
    ],
)
def test_values(kwargs, wanted):
    found = keras.ops.convert_to_numpy(
        ContrastiveLoss(**kwargs)(FLAGS, DISTANCES)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    "weight", [np.array([1.2, 0.8, 0.5, 0.4, 1.5, 1.0]), 6.0, 0.0]
)
def test_weighted(weight):
    found = ContrastiveLoss()(FLAGS, DISTANCES, sample_weight=weight)
    wanted = (VALUES * weight).mean()
    np.testing.assert_allclose(float(found), wanted, rtol=1e-5)


@pytest.mark.parametrize("columns", [("flags",), ("distances",)])
def test_a_last_axis_of_one_changes_nothing(columns):
    flags = FLAGS[:, None] if "flags" in columns else FLAGS
    x = DISTANCES[:, None] if "distances" in columns else DISTANCES
    found = float(ContrastiveLoss()(flags, x))
    np.testing.assert_allclose(found, VALUES.mean(), rtol=1e-5)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"y_true.shape=\(6,\)"):
        contrastive_loss(FLAGS, DISTANCES[:5])


def test_half_precision_is_computed_in_float32():
    x = keras.ops.cast(DISTANCES, "float16")
    found = contrastive_loss(FLAGS, x)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(found), VALUES, atol=2e-3
    )
