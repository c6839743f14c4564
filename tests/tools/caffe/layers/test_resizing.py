"""Interp and Upsample, against loops; OpenCV's Interp agrees."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

X = np.random.default_rng(0).standard_normal((2, 3, 5, 6), np.float32)


def layer(type, parameter, settings, bottoms='bottom: "x"'):
    return (
        f'layer {{ name: "l" type: "{type}" {bottoms} top: "y" '
        f"{parameter} {{ {settings} }} }}"
    )


def interp(settings):
    return layer("Interp", "interp_param", settings)


def bilinear(x, height, width):
    """Corners lie on corners; float64."""
    out = np.empty((*x.shape[:2], height, width))
    for i in range(height):
        for j in range(width):
            y = i * (x.shape[2] - 1) / max(height - 1, 1)
            z = j * (x.shape[3] - 1) / max(width - 1, 1)
            top, left = int(y + 1e-9), int(z + 1e-9)
            low, right = (
                min(top + 1, x.shape[2] - 1),
                min(left + 1, x.shape[3] - 1),
            )
            y, z = y - top, z - left
            out[..., i, j] = (1 - y) * (
                (1 - z) * x[..., top, left] + z * x[..., top, right]
            ) + y * ((1 - z) * x[..., low, left] + z * x[..., low, right])
    return out


@pytest.mark.parametrize(
    "settings, size",
    [
        ("height: 9 width: 11", (9, 11)),
        ("height: 7 width: 4", (7, 4)),
        ("height: 1 width: 13", (1, 13)),
        ("height: 5 width: 6", (5, 6)),
        ("zoom_factor: 3", (13, 16)),
        ("shrink_factor: 2", (3, 3)),
        ("shrink_factor: 2 zoom_factor: 4", (9, 9)),
    ],
)
def test_interp(settings, size, net):
    made = net(interp(settings), x=X)["y"]
    np.testing.assert_allclose(made, bilinear(X, *size), atol=2e-6)


def test_interp_to_the_size_of_another_blob(referenced):
    settings = "use_blob_size: true pad_end: -1"
    text = layer(
        "Interp", "interp_param", settings, 'bottom: "x" bottom: "other"'
    )
    other = np.zeros((2, 1, 9, 4), np.float32)
    made = referenced(text, x=X, other=other)["y"]
    expected = bilinear(X[:, :, :-1, :-1], 9, 4)
    np.testing.assert_allclose(made, expected, atol=2e-6)


def test_interp_crops(net):
    made = net(interp("zoom_factor: 2 pad_beg: -1 pad_end: -2"), x=X)["y"]
    np.testing.assert_allclose(
        made, bilinear(X[:, :, 1:-2, 1:-2], 3, 5), atol=2e-6
    )


@pytest.mark.parametrize("size", [(9, 11), (7, 4), (13, 16)])
def test_interp_like_opencv(size, net, tmp_path):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2.dnn, "readNetFromCaffe"):
        pytest.skip("this OpenCV has no Caffe importer")
    made = net(interp(f"height: {size[0]} width: {size[1]}"), x=X)["y"]
    oracle = cv2.dnn.readNetFromCaffe(str(tmp_path / "net.prototxt"))
    oracle.setInput(X, "x")
    np.testing.assert_allclose(made, oracle.forward(), atol=2e-6)


@pytest.mark.parametrize(
    "settings, words",
    [
        ("", "takes `zoom_factor`"),
        ("height: 4", "takes `zoom_factor`"),
        ("height: 4 width: 4 zoom_factor: 2", "takes `zoom_factor`"),
        ("zoom_factor: 0", "must be positive"),
        ("height: 0 width: 4", "makes a blob"),
        ("zoom_factor: 2 pad_beg: 1", "0 or negative"),
        ("zoom_factor: 2 pad_beg: -5", "more than the bottom"),
    ],
)
def test_interps_that_caffe_refuses(settings, words, net):
    with pytest.raises(CaffeFormatError, match=words):
        net(interp(settings), x=X)


def test_interp_of_hostile_size(net):
    with pytest.raises(UnsupportedLayerError, match="cells"):
        net(interp("height: 2000000000 width: 1"), x=X)


def test_upsample(net):
    made = net(layer("Upsample", "upsample_param", "scale: 3"), x=X)["y"]
    np.testing.assert_array_equal(made, X.repeat(3, 2).repeat(3, 3))


POOL = """
layer {{ name: "p" type: "Pooling" bottom: "x" top: "p" top: "mask"
        pooling_param {{ kernel_size: {} stride: {} }} }}
layer {{ name: "e" type: "Power" bottom: "p" top: "e"
        power_param {{ scale: -2 }} }}
"""
PLACES = 'bottom: "e" bottom: "mask"'


def unpool(settings):
    return layer("Upsample", "upsample_param", settings, PLACES)


@pytest.mark.parametrize("x", [X, X[:, :, :4]], ids=["odd", "even"])
@pytest.mark.parametrize("size", [2, 3])
def test_values_go_where_the_mask_says(x, size, net):
    height, width = x.shape[2:]
    made = net(
        POOL.format(size, size)
        + unpool(f"upsample_h: {height} upsample_w: {width}"),
        outputs=["e", "mask", "y"],
        x=x,
    )
    expected = np.zeros(x.shape, np.float32)
    for n, c, i, j in np.ndindex(made["e"].shape):
        place = int(made["mask"][n, c, i, j])
        expected[n, c, place // width, place % width] = made["e"][n, c, i, j]
    np.testing.assert_array_equal(made["y"], expected)
    assert (expected != 0).sum() == made["e"].size


def test_segnets_spellings(net):
    wanted = net(
        POOL.format(2, 2) + unpool("upsample_h: 5 upsample_w: 6"), x=X
    )["y"]
    for settings in (
        "pad_out_h: true",
        "scale: 2 pad_out_h: true",
        "scale_h: 2 scale_w: 2 pad_out_h: true",
    ):
        made = net(POOL.format(2, 2) + unpool(settings), x=X)["y"]
        np.testing.assert_array_equal(made, wanted)


@pytest.mark.parametrize(
    "text, words",
    [
        (POOL.format(3, 2) + unpool(""), "overlap"),
        (POOL.format(2, 2) + unpool(""), "other cells"),
        (
            POOL.format(2, 2)
            + layer(
                "Upsample",
                "upsample_param",
                "",
                'bottom: "mask" bottom: "e"',
            ),
            "straight from it",
        ),
        (
            layer("Upsample", "upsample_param", "scale_h: 2 scale_w: 2"),
            "only `scale`",
        ),
    ],
)
def test_unsupported_upsamples(text, words, net):
    with pytest.raises(UnsupportedLayerError, match=words):
        net(text, x=X)


def test_upsample_without_a_scale(net):
    with pytest.raises(CaffeFormatError, match="scale"):
        net(layer("Upsample", "upsample_param", ""), x=X)
