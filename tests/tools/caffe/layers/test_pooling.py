"""Pooling's mask, against Caffe's loops; what is refused."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((2, 3, 7, 6), np.float32)
# Few different values, so that many are equal; negative ones at the border.
TIES = RANDOM.integers(-3, 0, (2, 3, 7, 6)).astype(np.float32)
TOP = 'top: "y"'
LOWEST = np.finfo(np.float32).min


def pooling(settings, tops='top: "y" top: "mask"'):
    return (
        f'layer {{ name: "p" type: "Pooling" bottom: "x" {tops} '
        f"pooling_param {{ {settings} }} }}"
    )


def highest(x, kernel, stride, pad):
    """Values and places, as Caffe finds them: the first of equals."""
    height, width = x.shape[2:]
    down, across = (
        -(-(size + 2 * pad - kernel) // stride) + 1 for size in (height, width)
    )
    if pad:
        down -= (down - 1) * stride >= height + pad
        across -= (across - 1) * stride >= width + pad
    values = np.full((*x.shape[:2], down, across), LOWEST)
    places = np.full_like(values, -1)
    for n, c, i, j in np.ndindex(values.shape):
        for h in range(kernel):
            for w in range(kernel):
                row, column = i * stride - pad + h, j * stride - pad + w
                if not (0 <= row < height and 0 <= column < width):
                    continue
                if x[n, c, row, column] > values[n, c, i, j]:
                    values[n, c, i, j] = x[n, c, row, column]
                    places[n, c, i, j] = row * width + column
    return values, places


@pytest.mark.parametrize("x", [X, TIES], ids=["random", "ties"])
@pytest.mark.parametrize(
    "kernel, stride, pad",
    [(2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 1), (1, 5, 0)],
)
def test_mask(x, kernel, stride, pad, net):
    text = pooling(f"kernel_size: {kernel} stride: {stride} pad: {pad}")
    made = net(text, x=x)
    values, places = highest(x, kernel, stride, pad)
    np.testing.assert_array_equal(made["y"], values)
    np.testing.assert_array_equal(made["mask"], places)


def test_mask_of_as_many_windows_as_channels(net):
    """Keras' `add` on TensorFlow would mistake one for the other."""
    x = RANDOM.standard_normal((2, 3, 3, 1), np.float32)
    made = net(pooling("pool: MAX kernel_size: 1"), x=x)["mask"]
    np.testing.assert_array_equal(
        made, np.broadcast_to(np.arange(3)[:, None], x.shape)
    )


def test_mask_of_one_row_of_windows(net):
    """As many windows as channels; see `subtract` in the converter."""
    x = X[:, :, :2]
    made = net(pooling("kernel_size: 2 stride: 2"), x=x)["mask"]
    np.testing.assert_array_equal(made, highest(x, 2, 2, 0)[1])


def test_mask_of_nothing_but_the_lowest(net):
    x = np.full((1, 1, 4, 4), LOWEST)
    x[0, 0, 0, 0] = 1
    made = net(pooling("kernel_size: 2 stride: 2"), x=x)
    np.testing.assert_array_equal(made["mask"][0, 0], [[0, -1], [-1, -1]])


def test_mask_of_all(net):
    made = net(pooling("global_pooling: true"), x=X)
    np.testing.assert_array_equal(made["y"], X.max((2, 3), keepdims=True))
    expected = X.reshape(2, 3, -1).argmax(2)
    np.testing.assert_array_equal(made["mask"][..., 0, 0], expected)


@pytest.mark.parametrize(
    "given",
    ["stride: 2", "pad: 1", "stride_h: 1 stride_w: 2", "pad_h: 1 pad_w: 0"],
)
def test_global_pooling_has_no_steps(net, given):
    """Caffe's "With Global_pooling: true; only pad = 0 and stride = 1"."""
    with pytest.raises(CaffeFormatError, match="padding of 0 and a stride of"):
        net(pooling(f"global_pooling: true {given}", 'top: "y"'), x=X)
    plain = "global_pooling: true stride: 1 pad: 0"
    made = net(pooling(plain, 'top: "y"'), x=X)
    np.testing.assert_array_equal(made["y"], X.max((2, 3), keepdims=True))


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize(
    "steps", ["kernel_size: 2 stride: 2", "kernel_size: 3 stride: 2 pad: 1"]
)
def test_ceil_mode(method, steps, referenced, opencv):
    """`ceil_mode: false` is `round_mode: FLOOR` in other words."""
    made = []
    for mode in ("ceil_mode: false", "round_mode: FLOOR", "ceil_mode: true"):
        text = pooling(f"pool: {method} {steps} {mode}", TOP)
        made.append(referenced(text, x=X)["y"])
        if "ceil_mode" in mode:
            oracle = opencv({"x": X}, model=False)
            np.testing.assert_allclose(made[-1], oracle, atol=1e-6)
    np.testing.assert_array_equal(made[0], made[1])
    assert made[0].shape != made[2].shape


def test_two_modes_that_disagree(net):
    for modes in (
        "round_mode: FLOOR ceil_mode: true",
        "round_mode: CEIL ceil_mode: false",
    ):
        with pytest.raises(CaffeFormatError, match="says the opposite"):
            net(pooling(f"kernel_size: 2 {modes}", TOP), x=X)
    both = "kernel_size: 2 stride: 2 round_mode: FLOOR ceil_mode: false"
    assert net(pooling(both, TOP), x=X)["y"].shape == (2, 3, 3, 3)


def test_refusals(net):
    with pytest.raises(UnsupportedLayerError, match="stochastic"):
        net(pooling("pool: STOCHASTIC kernel_size: 2", 'top: "y"'), x=X)
    with pytest.raises(CaffeFormatError, match="only MAX"):
        net(pooling("pool: AVE kernel_size: 2"), x=X)
    huge = "kernel_size: 4000000000 pad: 3999999999"
    with pytest.raises(UnsupportedLayerError, match="cells are not supported"):
        net(pooling(huge), x=X)
