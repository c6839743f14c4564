"""Functions of each value against NumPy."""

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    to_keras,
)

RANDOM = np.random.default_rng(0)
X = 3 * RANDOM.standard_normal((2, 3, 4, 5), np.float32)


def layer(type, settings=""):
    return (
        f'layer {{ name: "l" type: "{type}" bottom: "x" top: "y" {settings} }}'
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


@pytest.mark.parametrize(
    "type, settings, function",
    [
        ("ReLU6", "", lambda x: np.clip(x, 0, 6)),
        ("Swish", "", lambda x: x * sigmoid(x)),
        (
            "Swish",
            "swish_param { beta: -0.5 }",
            lambda x: x * sigmoid(-0.5 * x),
        ),
        (
            "Clip",
            "clip_param { min: -1 max: 2.5 }",
            lambda x: np.clip(x, -1, 2.5),
        ),
        ("Dropout", "dropout_param { sqrt_scale: true }", lambda x: x),
        (
            "ReLU",
            "relu_param { negative_slope: -1 }",
            np.abs,
        ),
        (
            "ReLU",
            "relu_param { negative_slope: 0.1 }",
            lambda x: np.where(x > 0, x, 0.1 * x),
        ),
        (
            "ELU",
            "elu_param { alpha: 2 }",
            lambda x: np.where(x > 0, x, 2 * np.expm1(x)),
        ),
        (
            "SeLu",
            "",
            lambda x: (
                1.050700987 * np.where(x > 0, x, 1.67326324 * np.expm1(x))
            ),
        ),
        (
            "SeLu",
            "selu_param { alpha: 2 lambda: 3 }",
            lambda x: 3 * np.where(x > 0, x, 2 * np.expm1(x)),
        ),
        ("BNLL", "", lambda x: np.logaddexp(0, x)),
        ("Threshold", "threshold_param { threshold: 1 }", lambda x: x > 1),
        ("Power", "power_param { power: 0 }", np.ones_like),
    ],
)
def test_functions(type, settings, function, net):
    for x in (X, X[:, :, 0, 0]):
        made = net(layer(type, settings), x=x)["y"]
        np.testing.assert_allclose(made, function(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "shape", [(4, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 2, 2, 3)]
)
@pytest.mark.parametrize("shared", [False, True])
def test_prelu(shared, shape, net):
    x = RANDOM.standard_normal(shape, np.float32)
    slopes = np.float32(0.3) if shared else RANDOM.random(3, np.float32)
    settings = f"prelu_param {{ channel_shared: {str(shared).lower()} }}"
    made = net(layer("PReLU", settings), {"l": [slopes]}, x=x)["y"]
    wide = np.reshape(slopes, (-1, *[1] * (len(shape) - 2)))
    np.testing.assert_allclose(made, np.where(x > 0, x, wide * x), rtol=1e-6)
    # Without blobs a slope is 0.25.
    made = net(layer("PReLU", settings), x=x)["y"]
    np.testing.assert_array_equal(made, np.where(x > 0, x, x / 4))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_softmax(axis, net):
    made = net(layer("Softmax", f"softmax_param {{ axis: {axis} }}"), x=X)["y"]
    powers = np.exp(X.astype(np.float64))
    expected = powers / powers.sum(axis, keepdims=True)
    np.testing.assert_allclose(made, expected, atol=1e-6)


@pytest.mark.parametrize(
    "type, settings, error",
    [
        ("Clip", "clip_param { min: 0 }", "`max`"),
        ("Clip", "clip_param { min: 1 max: 0 }", "above"),
        ("Dropout", "dropout_param { dropout_ratio: 1 }", "below 1"),
        ("Softmax", "softmax_param { axis: 4 }", "axis 4"),
    ],
)
def test_refused(type, settings, error, net):
    with pytest.raises(CaffeFormatError, match=error):
        net(layer(type, settings), x=X)


def test_prelu_of_one_axis(net):
    with pytest.raises(CaffeFormatError, match="two or more"):
        net(layer("PReLU"), x=np.ones(3))


def test_dropout_that_draws_at_inference(net, tmp_path):
    text = layer("Dropout", "dropout_param { sample_weights_test: true }")
    with pytest.raises(UnsupportedLayerError, match="--phase TRAIN") as caught:
        net(text, x=X)
    assert caught.value.advice == ("--phase TRAIN",)
    model = to_keras(tmp_path / "net.prototxt", phase="TRAIN")
    ones = np.ones((1, *model.input_shape[1:]), np.float32)
    drawn = keras.ops.convert_to_numpy(model(ones, training=True))
    assert set(np.unique(drawn)) == {0, 2}
