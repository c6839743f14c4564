"""SPP and Im2col, against loops in Caffe's order."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

X = np.random.default_rng(0).standard_normal((2, 3, 8, 13), np.float32)


def spp(settings):
    return (
        'layer { name: "s" type: "SPP" bottom: "x" top: "y" '
        f"spp_param {{ {settings} }} }}"
    )


def level(x, count, total):
    """One level: windows of equal size, laid from the padded corner."""
    kernels = [-(-size // count) for size in x.shape[2:]]
    pads = [
        (kernel * count - size + 1) // 2
        for kernel, size in zip(kernels, x.shape[2:], strict=True)
    ]
    rows = []
    for i in range(count):
        for j in range(count):
            corner = [i * kernels[0] - pads[0], j * kernels[1] - pads[1]]
            ends = [
                min(edge + kernel, size + pad)
                for edge, kernel, size, pad in zip(
                    corner, kernels, x.shape[2:], pads, strict=True
                )
            ]
            area = (ends[0] - corner[0]) * (ends[1] - corner[1])
            top, left = (max(edge, 0) for edge in corner)
            cells = x[:, :, top : ends[0], left : ends[1]]
            rows.append(total(cells, area))
    return np.stack(rows, 2).reshape(len(x), -1)


TOTALS = {
    "MAX": lambda cells, area: cells.max((2, 3)),
    "AVE": lambda cells, area: cells.sum((2, 3)) / area,
}


@pytest.mark.parametrize("pool", TOTALS)
@pytest.mark.parametrize("height", [2, 3])
def test_spp(pool, height, net):
    made = net(spp(f"pyramid_height: {height} pool: {pool}"), x=X)["y"]
    expected = [level(X, 2**i, TOTALS[pool]) for i in range(height)]
    np.testing.assert_allclose(
        made, np.concatenate(expected, 1), rtol=1e-5, atol=1e-6
    )


def test_one_level_stays_a_blob(net):
    made = net(spp("pyramid_height: 1"), x=X)["y"]
    np.testing.assert_array_equal(made, X.max((2, 3), keepdims=True))


def test_spp_refusals(net):
    with pytest.raises(CaffeFormatError, match="less padding"):
        net(spp("pyramid_height: 5"), x=X)
    for height in (0, 40):
        with pytest.raises(CaffeFormatError, match="pyramid_height"):
            net(spp(f"pyramid_height: {height}"), x=X)
    with pytest.raises(UnsupportedLayerError, match="stochastic"):
        net(spp("pyramid_height: 2 pool: STOCHASTIC"), x=X)


def im2col(settings):
    return (
        'layer { name: "i" type: "Im2col" bottom: "x" top: "y" '
        f"convolution_param {{ {settings} }} }}"
    )


@pytest.mark.parametrize(
    "settings, kernel, stride, pad, dilation",
    [
        ("kernel_size: 3", (3, 3), (1, 1), (0, 0), (1, 1)),
        (
            "kernel_h: 2 kernel_w: 4 stride_h: 2 stride_w: 3 pad: 1",
            (2, 4),
            (2, 3),
            (1, 1),
            (1, 1),
        ),
        (
            "kernel_size: 3 dilation: 2 stride: 2 pad_h: 0 pad_w: 2",
            (3, 3),
            (2, 2),
            (0, 2),
            (2, 2),
        ),
    ],
)
def test_im2col(settings, kernel, stride, pad, dilation, net):
    made = net(im2col(settings), x=X)["y"]
    padded = np.pad(X, ((0, 0), (0, 0), *((p, p) for p in pad)))
    down, across = (
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(
            padded.shape[2:], kernel, stride, dilation, strict=True
        )
    )
    expected = np.empty((2, 3, *kernel, down, across), np.float32)
    for c, h, w, i, j in np.ndindex(expected.shape[1:]):
        row = i * stride[0] + h * dilation[0]
        column = j * stride[1] + w * dilation[1]
        expected[:, c, h, w, i, j] = padded[:, c, row, column]
    np.testing.assert_array_equal(made, expected.reshape(2, -1, down, across))


def test_im2col_refusals(net):
    with pytest.raises(CaffeFormatError, match="larger than"):
        net(im2col("kernel_size: 9"), x=X)
    with pytest.raises(CaffeFormatError, match="kernel_size"):
        net(im2col(""), x=X)
    huge = "kernel_size: 2000000000 pad: 2000000000"
    with pytest.raises(UnsupportedLayerError, match="cells are not supported"):
        net(im2col(huge), x=X)
