"""BatchNorm and MVN against the formulas, in Caffe's order."""

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import CaffeFormatError

RANDOM = np.random.default_rng(0)
SHAPES = {2: (7, 4), 3: (3, 4, 5), 4: (3, 4, 5, 6), 5: (2, 3, 4, 2, 3)}
X = {n: RANDOM.standard_normal(s, np.float32) for n, s in SHAPES.items()}


def layer(type, settings="", more=""):
    parameter = {"BatchNorm": "batch_norm", "MVN": "mvn"}[type]
    return (
        f'layer {{ name: "l" type: "{type}" bottom: "x" top: "y" {more} '
        f"{parameter}_param {{ {settings} }} }}"
    )


def along_channels(values, rank):
    return values.reshape(-1, *[1] * (rank - 2))


@pytest.mark.parametrize("rank", SHAPES)
def test_stored_statistics(rank, net):
    x = X[rank]
    mean, variance = RANDOM.random((2, x.shape[1]), np.float32)
    blobs = {"l": [mean, variance, [4.0]]}
    made = net(layer("BatchNorm", "eps: 0.01"), blobs, x=x)["y"]
    expected = (x - along_channels(mean / 4, rank)) / np.sqrt(
        along_channels(variance / 4, rank) + 0.01
    )
    np.testing.assert_allclose(made, expected, atol=1e-6)
    assert isinstance(net.model.get_layer("l"), keras.layers.BatchNormalization)


@pytest.mark.parametrize("rank", SHAPES)
def test_batch_statistics(rank, net):
    x = X[rank]
    made = net(layer("BatchNorm", "use_global_stats: false"), x=x)["y"]
    axes = (0, *range(2, rank))
    expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(
        x.var(axes, keepdims=True) + 1e-5
    )
    np.testing.assert_allclose(made, expected, atol=2e-6)


@pytest.mark.parametrize("stored", [True, False])
def test_without_mean_or_variance(stored, net):
    x, mean, variance = X[4], *RANDOM.random((2, 4), np.float32)
    if not stored:
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
    wide_mean, wide_variance = mean[:, None, None], variance[:, None, None]
    blobs = {"l": [mean, variance, [1.0]]}
    settings = f"use_global_stats: {str(stored).lower()} "
    made = net(
        layer("BatchNorm", settings + "disable_variance: true"), blobs, x=x
    )["y"]
    np.testing.assert_allclose(made, x - wide_mean, atol=1e-6)
    if stored:
        made = net(
            layer("BatchNorm", settings + "disable_mean: true"), blobs, x=x
        )["y"]
        np.testing.assert_allclose(
            made, x / np.sqrt(wide_variance + 1e-5), rtol=1e-5, atol=1e-6
        )
        # Parsed, and used by no code that runs on a CPU.
        made = net(layer("BatchNorm", "scale_filler { value: 3 }"), blobs, x=x)[
            "y"
        ]
        expected = (x - wide_mean) / np.sqrt(wide_variance + 1e-5)
        np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)


def test_rates_of_statistics(net):
    refused = "param { lr_mult: 1 }"
    with pytest.raises(CaffeFormatError, match="lr_mult: 0"):
        net(layer("BatchNorm", more=refused), x=X[4])
    for allowed in ("param { lr_mult: 0 }" * 2, refused * 3):
        net(layer("BatchNorm", more=allowed), x=X[4])


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("variance", [False, True])
@pytest.mark.parametrize("rank", [2, 3, 4])
def test_mvn(rank, variance, across, net):
    x = X[rank].reshape(*SHAPES[rank], *[1] * (4 - rank))
    made = net(
        layer(
            "MVN",
            f"across_channels: {str(across).lower()} eps: 0.125 "
            f"normalize_variance: {str(variance).lower()}",
        ),
        x=X[rank],
    )["y"]
    axes = (1, 2, 3) if across else (2, 3)
    expected = x - x.mean(axes, keepdims=True)
    if variance:
        # The root first, then eps.
        expected /= x.std(axes, keepdims=True) + 0.125
    assert made.shape == x.shape
    np.testing.assert_allclose(made, expected, atol=2e-6)


def test_mvn_of_five_axes(net):
    with pytest.raises(CaffeFormatError, match="four at most"):
        net(layer("MVN"), x=X[5])
