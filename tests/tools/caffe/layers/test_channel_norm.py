"""BN of SegNet, and BN and BatchNorm of forks with all that they learn."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import UnsupportedLayerError

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((3, 4, 5, 6)).astype("f4")


def test_segnet(referenced):
    layers = (
        'layer { name: "l" type: "BN" bottom: "x" top: "y" bn_param { '
        "scale_filler { value: 1 } shift_filler { value: 2 } bn_mode: % } }"
    )
    inference = layers.replace("%", "INFERENCE")
    factors, offsets = RANDOM.random((2, 1, 4, 1, 1), np.float32)
    made = referenced(inference, {"l": [factors, offsets]}, x=X)["y"]
    np.testing.assert_allclose(made, X * factors + offsets, atol=1e-6)
    made = referenced(inference, x=X)["y"]
    np.testing.assert_array_equal(made, X + 2)
    with pytest.raises(UnsupportedLayerError, match="INFERENCE"):
        referenced(layers.replace("%", "LEARN"), x=X)


def four_blobs():
    slope, bias, mean = RANDOM.standard_normal((3, 1, 4, 1, 1), np.float32)
    return slope, bias, mean, RANDOM.random((1, 4, 1, 1), np.float32)


@pytest.mark.parametrize(
    "settings",
    ["", "bn_param { frozen: true momentum: 0.95 eps: 0.5 }"],
)
def test_four_blobs(settings, referenced):
    layers = f'layer {{ name: "l" type: "BN" bottom: "x" top: "y" {settings} }}'
    slope, bias, mean, variance = blobs = four_blobs()
    made = referenced(layers, {"l": list(blobs)}, x=X)["y"]
    eps = 0.5 if settings else 1e-5
    expected = slope * (X - mean) / np.sqrt(variance + eps) + bias
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


def test_two_blobs_need_the_mode(net):
    layers = 'layer { name: "l" type: "BN" bottom: "x" top: "y" }'
    blobs = four_blobs()[:2]
    with pytest.raises(UnsupportedLayerError, match="bn_mode: INFERENCE"):
        net(layers, {"l": list(blobs)}, x=X)


@pytest.mark.parametrize("count", [1.0, 2.0])
@pytest.mark.parametrize(
    ("said", "divides"),
    [
        # NVCaffe keeps means; Intel's Caffe running sums, with their count.
        ("scale_bias: true", False),
        ("scale_filler { value: 1 }", False),
        ("", True),
        ("filler { value: 1 } bias_filler { value: 0 }", True),
    ],
)
def test_five_blobs(said, divides, count, referenced, opencv):
    layers = (
        'layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" '
        f"batch_norm_param {{ {said} eps: 0.25 }} }}"
    )
    factors, offsets, mean, variance = (b.ravel() for b in four_blobs())
    blobs = [mean, variance, np.array([count], "f4"), factors, offsets]
    made = referenced(layers, {"l": blobs}, x=X)["y"]
    f, b, m, v = (a.reshape(1, 4, 1, 1) for a in blobs[3:] + blobs[:2])
    if divides:
        m, v = m / count, v / count
    expected = f * (X - m) / np.sqrt(v + 0.25) + b
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)
    if said == "scale_bias: true":
        np.testing.assert_allclose(
            opencv({"x": X}), expected, rtol=1e-5, atol=1e-5
        )


def test_five_blobs_of_nobody_knows_whom(net):
    layers = (
        'layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" '
        "batch_norm_param { bias_filler { value: 1 } } }"
    )
    factors, offsets, mean, variance = (b.ravel() for b in four_blobs())
    blobs = [mean, variance, np.array([7], "f4"), factors, offsets]
    with pytest.raises(UnsupportedLayerError, match="a count of 7"):
        net(layers, {"l": blobs}, x=X)


@pytest.mark.parametrize("said", ["scale_bias: true", ""])
def test_factors_without_a_model(said, referenced):
    layers = (
        'layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" '
        f"batch_norm_param {{ {said} eps: 1 "
        "scale_filler { value: 3 } bias_filler { value: 2 } } }"
    )
    made = referenced(layers, x=X)["y"]
    np.testing.assert_allclose(made, 3 * X + 2, rtol=1e-6)


def test_batch_statistics_with_factors_are_refused(net):
    layers = (
        'layer { name: "l" type: "BatchNorm" bottom: "x" top: "y" '
        "batch_norm_param { scale_bias: true use_global_stats: false } }"
    )
    with pytest.raises(UnsupportedLayerError, match="stored statistics"):
        net(layers, x=X)


def test_dropout_that_scales_at_inference(referenced):
    layers = (
        'layer { name: "l" type: "Dropout" bottom: "x" top: "y" '
        "dropout_param { dropout_ratio: 0.25 scale_train: false } }"
    )
    made = referenced(layers, x=X)["y"]
    np.testing.assert_allclose(made, X * 0.75, rtol=1e-6)
