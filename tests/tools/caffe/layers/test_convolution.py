"""Convolutions against the float64 reference."""

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

RANDOM = np.random.default_rng(0)
X = {
    3: RANDOM.standard_normal((2, 6, 11), np.float32),
    4: RANDOM.standard_normal((2, 6, 9, 8), np.float32),
    5: RANDOM.standard_normal((2, 4, 5, 6, 7), np.float32),
}


def layer(settings, type="Convolution", tops='bottom: "x" top: "y"', more=""):
    return (
        f'layer {{ name: "l" type: "{type}" {tops} {more} '
        f"convolution_param {{ {settings} }} }}"
    )


def normal(*shape):
    return RANDOM.standard_normal(shape, np.float32)


@pytest.mark.parametrize(
    "rank, shape, settings",
    [
        (4, (4, 6, 3, 3), "n4 k3"),
        (4, (4, 6, 3, 2), "n4 k3 k2 p1"),
        (4, (4, 3, 2, 3), "n4 kh2 kw3 g2 s2"),
        (4, (4, 6, 3, 3), "n4 k3 d2 s2 p3"),
        (4, (4, 6, 2, 2), "n4 k2 d1 d3"),
        (4, (6, 1, 3, 3), "n6 k3 g6 p1 s2"),
        (4, (12, 1, 3, 3), "n12 k3 g6"),
        (4, (6, 1, 3, 3), "n6 k3 g6 sh1 sw2"),
        (4, (6, 1, 3, 3), "n6 k3 g6 d2 s2"),
        (3, (4, 6, 3), "n4 k3 p2 s2"),
        (3, (6, 1, 3), "n6 k3 g6"),
        (3, (4, 6, 3), "n4 k3 d2 s2"),
        (5, (3, 4, 2, 3, 2), "n3 k2 k3 k2 p1 s2"),
        (5, (3, 4, 2, 2, 2), "n3 k2 p1 p0 p2"),
    ],
)
def test_settings(rank, shape, settings, referenced, spell):
    weights = {"l": [normal(*shape), normal(shape[0])]}
    referenced(layer(spell(settings)), weights, x=X[rank])


def test_one_by_hand(net):
    """A correlation: the kernel is not turned around."""
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 0, 2] = 1
    kernel = np.arange(4.0).reshape(1, 1, 2, 2)
    made = net(
        layer("num_output: 1 kernel_size: 2"), {"l": [kernel, [10]]}, x=x
    )["y"]
    np.testing.assert_array_equal(made[0, 0], [[10, 11], [10, 10]])


@pytest.mark.parametrize(
    "type", ["DepthwiseConvolution", "ConvolutionDepthwise"]
)
def test_depthwise_layers_of_forks(type, net):
    settings = "num_output: 6 kernel_size: 3 pad: 1 bias_term: false"
    weights = {"l": [normal(6, 1, 3, 3)]}
    made = net(layer(settings, type), weights, x=X[4])["y"]
    assert isinstance(net.model.get_layer("l"), keras.layers.DepthwiseConv2D)
    plain = net(layer(settings + " group: 6"), weights, x=X[4])["y"]
    np.testing.assert_array_equal(made, plain)
    with pytest.raises(CaffeFormatError, match="divide"):
        net(layer("num_output: 7 kernel_size: 3", type), x=X[4])
    with pytest.raises(UnsupportedLayerError, match="group: 2"):
        net(layer(settings + " group: 2", type), x=X[4])


def test_several_bottoms_share_the_kernel(net):
    text = layer(
        "num_output: 4 kernel_size: 3 pad: 1 dilation: 2 stride: 2",
        tops='bottom: "x" bottom: "z" top: "y" top: "u"',
    )
    weights = {"l": [normal(4, 6, 3, 3), normal(4)]}
    both = net(text, weights, x=X[4], z=2 * X[4])
    assert net.model.count_params() == 4 * 6 * 9 + 4
    alone = layer("num_output: 4 kernel_size: 3 pad: 1 dilation: 2 stride: 2")
    one = net(alone, weights, x=X[4])
    two = net(alone, weights, x=2 * X[4])
    np.testing.assert_allclose(both["y"], one["y"], atol=1e-5)
    np.testing.assert_allclose(both["u"], two["y"], atol=1e-5)
    with pytest.raises(CaffeFormatError, match="2 bottoms and 1 tops"):
        net(
            layer("num_output: 4", tops='bottom: "x" bottom: "z" top: "y"'),
            x=X[4],
            z=X[4],
        )


@pytest.mark.parametrize(
    "rank, settings, error",
    [
        (4, "kernel_size: 3 kernel_h: 3 kernel_w: 3", "give one of them"),
        (4, "kernel_size: 3 kernel_size: 3 kernel_size: 3", "3 `kernel_size`"),
        (4, "kernel_h: 3", "0; 1 is the least"),
        (4, "", "0 `kernel_size`"),
        (4, "kernel_size: 3 stride: 0", "0; 1 is the least"),
        (4, "kernel_size: 3" + " dilation: 1" * 3, "3 `dilation`"),
        (4, "kernel_size: 3 group: 4", "group: 4"),
        (4, "kernel_size: 10", "larger than the padded"),
        (3, "kernel_h: 3 kernel_w: 3", "1 spatial axes"),
        (4, "kernel_size: 3 axis: 4", "axis 4"),
    ],
)
def test_refused(rank, settings, error, net):
    with pytest.raises(CaffeFormatError, match=error):
        net(layer("num_output: 4 " + settings), x=X[rank])


def test_unsupported(net):
    for settings in ("axis: 2", "axis: 0"):
        with pytest.raises(UnsupportedLayerError, match="axis 1"):
            net(layer("num_output: 4 kernel_size: 1 " + settings), x=X[4])
    with pytest.raises(UnsupportedLayerError, match="axis 1"):
        net(layer("num_output: 4 kernel_size: 1"), x=X[4][..., 0, 0])
