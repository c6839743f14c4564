"""Deconvolutions against the float64 reference."""

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import CaffeFormatError

RANDOM = np.random.default_rng(0)
X = {
    3: RANDOM.standard_normal((2, 6, 7), np.float32),
    4: RANDOM.standard_normal((2, 6, 5, 4), np.float32),
    5: RANDOM.standard_normal((2, 4, 3, 2, 4), np.float32),
}


def layer(settings, tops='bottom: "x" top: "y"'):
    return (
        f'layer {{ name: "l" type: "Deconvolution" {tops} '
        f"convolution_param {{ {settings} }} }}"
    )


def normal(*shape):
    return RANDOM.standard_normal(shape, np.float32)


@pytest.mark.parametrize(
    "rank, shape, outputs, settings",
    [
        (4, (6, 4, 3, 3), 4, "k3"),
        (4, (6, 4, 4, 4), 4, "k4 s2 p1"),
        (4, (6, 4, 3, 2), 4, "kh3 kw2 sh1 sw3 ph2 pw1"),
        (4, (6, 4, 1, 1), 4, "k1 s3"),
        # Groups with zeros written out, and as a convolution over zeros.
        (4, (6, 2, 3, 3), 4, "k3 s2 p1 g2"),
        (4, (6, 2, 3, 3), 4, "k3 s1 p1 g2"),
        (4, (6, 1, 4, 4), 6, "k4 s2 p1 g6"),
        (4, (6, 2, 4, 4), 12, "k4 s2 g6"),
        (4, (6, 1, 2, 2), 6, "k2 s2 p2 g6"),
        (4, (6, 1, 1, 1), 6, "k1 s2 g6"),
        (4, (6, 4, 3, 3), 4, "k3 d2"),
        (4, (6, 2, 3, 3), 4, "k3 d2 s3 p2 g2"),
        (4, (6, 1, 3, 3), 6, "k3 d2 d1 s2 g6 p4"),
        (3, (6, 2, 4), 2, "k4 s2 p1"),
        (3, (6, 1, 4), 6, "k4 s2 p1 g6"),
        (5, (4, 3, 2, 3, 2), 3, "k2 k3 k2 s2 p1"),
    ],
)
def test_settings(rank, shape, outputs, settings, referenced, spell):
    weights = {"l": [normal(*shape), normal(outputs)]}
    referenced(
        layer(f"num_output: {outputs} {spell(settings)}"), weights, x=X[rank]
    )


def test_one_by_hand(net):
    x = np.zeros((1, 1, 2, 2))
    x[0, 0, 0, 1] = 1
    kernel = np.arange(1.0, 5).reshape(1, 1, 2, 2)
    made = net(
        layer("num_output: 1 kernel_size: 2 stride: 3"),
        {"l": [kernel, [0]]},
        x=x,
    )["y"]
    expected = np.zeros((5, 5))
    expected[:2, 3:] = kernel[0, 0]
    np.testing.assert_array_equal(made[0, 0], expected)


def test_bilinear_filler_enlarges(net):
    """A ramp becomes a ramp of half the slope, away from the edges."""
    x = np.broadcast_to(np.arange(6.0), (1, 3, 6, 6))
    made = net(
        layer(
            "num_output: 3 kernel_size: 4 stride: 2 pad: 1 group: 3 "
            'bias_term: false weight_filler { type: "bilinear" }'
        ),
        x=x,
    )["y"]
    assert made.shape == (1, 3, 12, 12)
    ramp = np.arange(1, 11) / 2 - 0.25
    np.testing.assert_allclose(
        made[0, :, 1:-1, 1:-1], np.broadcast_to(ramp, (3, 10, 10))
    )


@pytest.mark.parametrize("size", range(1, 9))
def test_bilinear_filler_of_any_size(size, referenced):
    referenced(
        layer(
            f"num_output: 6 kernel_size: {size} stride: 2 group: 6 "
            'weight_filler { type: "bilinear" }'
        ),
        x=X[4],
    )


def test_weights_stay_weights(net):
    weights = {"l": [normal(6, 4, 3, 3), normal(4)]}
    net(layer("num_output: 4 kernel_size: 3"), weights, x=X[4])
    holder = net.model.get_layer("l")
    assert isinstance(holder, keras.layers.Conv2DTranspose)
    np.testing.assert_array_equal(
        holder.get_weights()[0].transpose(3, 2, 0, 1), weights["l"][0]
    )


@pytest.mark.parametrize("group", [1, 2, 6])
def test_several_bottoms_share_the_kernel(group, net):
    settings = f"num_output: 6 kernel_size: 3 stride: 2 pad: 1 group: {group}"
    weights = {"l": [normal(6, 6 // group, 3, 3), normal(6)]}
    both = net(
        layer(settings, 'bottom: "x" bottom: "z" top: "y" top: "u"'),
        weights,
        x=X[4],
        z=-X[4],
    )
    one = net(layer(settings), weights, x=X[4])["y"]
    two = net(layer(settings), weights, x=-X[4])["y"]
    np.testing.assert_allclose(both["y"], one, atol=1e-5)
    np.testing.assert_allclose(both["u"], two, atol=1e-5)


@pytest.mark.parametrize(
    "settings, error",
    [
        ("num_output: 4 kernel_size: 3 pad: 9", "padding"),
        ("num_output: 4 kernel_size: 3 stride: 4000000000", "count"),
        ("num_output: 4 kernel_size: 3 group: 5", "group: 5"),
        ("num_output: 4", "kernel_size"),
    ],
)
def test_refused(settings, error, net):
    with pytest.raises(CaffeFormatError, match=error):
        net(layer(settings), x=X[4])
