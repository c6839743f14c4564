"""SELU's dropout; SELU itself is in the table of activations."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import UnsupportedLayerError, to_keras

X = np.random.default_rng(0).standard_normal((2, 3, 4, 5), np.float32)


def text(settings):
    return (
        'layer { name: "d" type: "SeLuDropout" bottom: "x" top: "y" '
        f"selu_dropout_param {{ {settings} }} }}"
    )


def test_it_changes_nothing_at_inference(referenced):
    made = referenced(text("dropout_ratio: 0.3 alpha: -1"), x=X)
    np.testing.assert_array_equal(made["y"], X)


def test_training_keeps_mean_and_variance(write):
    """What drops becomes SELU's lowest value; then the authors' a x + b."""
    head = 'input: "x" input_shape { dim: 1 dim: 40000 }'
    path = write(head + text("dropout_ratio: 0.25"))
    model = to_keras(path, phase="TRAIN")
    x = np.linspace(-1, 1, 40000, dtype=np.float32)[None]
    made = np.asarray(model(x, training=True))[0]
    alpha, keep = -1.75809934, 0.75
    a = (keep * (1 + alpha**2 * (1 - keep))) ** -0.5
    b = -a * (1 - keep) * alpha
    dropped = abs(made - (a * alpha + b)) < 1e-5
    assert abs(dropped.mean() - 0.25) < 0.02
    np.testing.assert_allclose(
        made[~dropped], a * x[0, ~dropped] + b, atol=1e-5
    )


def test_refusal(write):
    head = 'input: "x" input_shape { dim: 1 dim: 4 }'
    path = write(head + text("alpha: -1"))
    with pytest.raises(UnsupportedLayerError, match="`alpha: -1`"):
        to_keras(path, phase="TRAIN")
