"""ROIPooling, against Caffe's loops in float32."""

import decimal

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import CaffeFormatError

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((3, 4, 12, 17), np.float32)


def layer(settings):
    return (
        'layer { name: "r" type: "ROIPooling" bottom: "x" bottom: "regions" '
        f'top: "y" roi_pooling_param {{ {settings} }} }}'
    )


def away(x):
    """C's `round`, as Python's library has it: halves away from zero."""
    return int(decimal.Decimal(float(x)).to_integral(decimal.ROUND_HALF_UP))


def pooled(x, regions, bins, scale, pad_ratio=0):
    """Step by step, each number in the type that Caffe has it in."""
    down, across = bins
    out = np.zeros((len(regions), x.shape[1], down, across), np.float32)
    one, scale, ratio = map(np.float32, (1, scale, pad_ratio))
    for r, (sample, *corners) in enumerate(regions.astype(np.float32)):
        x1, y1, x2, y2 = corners
        pad_x, pad_y = (x2 - x1 + one) * ratio, (y2 - y1 + one) * ratio
        left, top, right, bottom = (
            away(np.float32(c * scale))
            for c in (x1 - pad_x, y1 - pad_y, x2 + pad_x, y2 + pad_y)
        )
        tall = np.float32(max(bottom - top + 1, 1)) / np.float32(down)
        wide = np.float32(max(right - left + 1, 1)) / np.float32(across)
        for i in range(down):
            for j in range(across):
                rows = (
                    int(np.floor(np.float32(i) * tall)) + top,
                    int(np.ceil(np.float32(i + 1) * tall)) + top,
                )
                columns = (
                    int(np.floor(np.float32(j) * wide)) + left,
                    int(np.ceil(np.float32(j + 1) * wide)) + left,
                )
                rows = np.clip(rows, 0, x.shape[2])
                columns = np.clip(columns, 0, x.shape[3])
                cells = x[int(sample), :, slice(*rows), slice(*columns)]
                if cells.size:
                    out[r, :, i, j] = cells.max((1, 2))
    return out


def random_regions(count):
    corners = RANDOM.uniform(-30, 320, (count, 2, 2))
    corners.sort(axis=1)
    samples = RANDOM.integers(0, 3, count)
    return np.column_stack([samples, corners.reshape(count, 4)])


@pytest.mark.parametrize("bins", [(7, 7), (1, 1), (2, 5), (20, 3)])
@pytest.mark.parametrize("scale", [1 / 16, 0.07])
def test_roi_pooling(bins, scale, net):
    regions = random_regions(60).astype(np.float32)
    # A point, a region turned round, one outside, and the whole blob.
    regions[:4, 1:] = (
        (8, 8, 8, 8),
        (90, 90, 30, 20),
        (900, 900, 990, 990),
        (0, 0, 16.5 * 16, 11.5 * 16),
    )
    settings = f"pooled_h: {bins[0]} pooled_w: {bins[1]} spatial_scale: {scale}"
    made = net(layer(settings), x=X, regions=regions)["y"]
    np.testing.assert_array_equal(made, pooled(X, regions, bins, scale))


@pytest.mark.parametrize("ratio", [0.25, 0.5])
def test_regions_that_are_padded(ratio, net):
    """A field of MS-CNN; halves below zero are rounded away from it."""
    regions = random_regions(60).astype(np.float32)
    regions[:3, 1:] = (-8, -8, 40, 56), (0, 0, 15, 15), (-24, 8, 8, 40)
    text = f"pooled_h: 4 pooled_w: 3 spatial_scale: 0.0625 pad_ratio: {ratio}"
    made = net(layer(text), x=X, regions=regions)["y"]
    right = pooled(X, regions, (4, 3), 1 / 16, ratio)
    np.testing.assert_array_equal(made, right)
    assert (right != pooled(X, regions, (4, 3), 1 / 16)).any()


@pytest.mark.parametrize("count", [1, 3])
def test_as_many_regions_as_bins(count, net):
    """Keras' `add` on TensorFlow looks for an axis by its length."""
    regions = random_regions(count).astype(np.float32)
    for bins in ((count, count), (7, 7), (3, 5)):
        text = f"pooled_h: {bins[0]} pooled_w: {bins[1]} spatial_scale: 0.0625"
        made = net(layer(text), x=X, regions=regions)["y"]
        np.testing.assert_array_equal(made, pooled(X, regions, bins, 1 / 16))


def test_compiled_divisions_change_nothing(net):
    """Every size of region: XLA multiplies where Caffe divides."""
    x = RANDOM.standard_normal((1, 1, 7, 7), np.float32)
    sizes = np.arange(7)
    regions = np.zeros((7, 5), np.float32)
    regions[:, 3], regions[:, 4] = sizes, sizes[::-1]
    net(layer("pooled_h: 7 pooled_w: 5"), x=x, regions=regions)
    again = keras.Model(net.model.inputs, net.model.outputs[0])
    again.compile(jit_compile=keras.backend.backend() != "torch")
    # `predict` wants as many regions as samples.
    many = np.repeat(x.transpose(0, 2, 3, 1), 7, axis=0)
    made = again.predict([many, regions], batch_size=7, verbose=0)
    np.testing.assert_array_equal(
        made.transpose(0, 3, 1, 2), pooled(x, regions, (7, 5), 1)
    )


def test_regions_with_four_axes(net):
    regions = random_regions(5).astype(np.float32)
    text = layer("pooled_h: 2 pooled_w: 2 spatial_scale: 0.0625")
    flat = net(text, x=X, regions=regions)["y"]
    made = net(text, x=X, regions=regions[:, :, None, None])["y"]
    np.testing.assert_array_equal(made, flat)


def test_refusals(net):
    regions = random_regions(5)
    with pytest.raises(CaffeFormatError, match="must be positive"):
        net(layer("pooled_h: 2"), x=X, regions=regions)
    with pytest.raises(CaffeFormatError, match="5 numbers"):
        net(layer("pooled_h: 2 pooled_w: 2"), x=X, regions=regions[:, 1:])
