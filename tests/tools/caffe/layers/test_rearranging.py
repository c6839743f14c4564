"""Crop, Flip and ShuffleChannel, against NumPy."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

X = np.random.default_rng(0).standard_normal((2, 6, 7, 5), np.float32)
CROP = (
    'layer {{ name: "c" type: "Crop" bottom: "x" bottom: "like" top: "y" '
    "crop_param {{ {} }} }}"
)


@pytest.mark.parametrize(
    "settings, like, window",
    [
        ("", (2, 6, 4, 3), np.s_[:, :, :4, :3]),
        ("offset: 2", (2, 1, 4, 3), np.s_[:, :, 2:6, 2:]),
        ("axis: 3 offset: 1", (9, 1, 1, 2), np.s_[:, :, :, 1:3]),
        (
            "axis: 1 offset: 3 offset: 0 offset: 2",
            (2, 2, 7, 3),
            np.s_[:, 3:5, :, 2:],
        ),
        ("axis: -3 offset: 4 offset: 0 offset: 0", (2, 2, 7, 5), np.s_[:, 4:]),
        ("axis: 2", (2, 6, 7, 5), np.s_[:]),
    ],
)
def test_crop(settings, like, window, net):
    made = net(CROP.format(settings), x=X, like=np.zeros(like))["y"]
    np.testing.assert_array_equal(made, X[window])


def test_crop_of_three_axes(net):
    x = X.reshape(2, 6, 35)
    made = net(CROP.format("axis: 1 offset: 2"), x=x, like=np.zeros((2, 4, 9)))
    np.testing.assert_array_equal(made["y"], x[:, 2:, 2:11])


@pytest.mark.parametrize(
    "settings, like, words",
    [
        ("offset: 4", (2, 6, 4, 3), "do not lie in"),
        ("", (2, 6, 8, 3), "do not lie in"),
        ("axis: 1 offset: 1 offset: 2", (2, 6, 4, 3), "one for each"),
        ("axis: 4", (2, 6, 4, 3), "axis 4"),
        ("", (2, 6, 4), "fewer axes"),
    ],
)
def test_crops_that_caffe_refuses(settings, like, words, net):
    with pytest.raises(CaffeFormatError, match=words):
        net(CROP.format(settings), x=X, like=np.zeros(like))


def test_the_batch_is_not_cropped(net):
    with pytest.raises(UnsupportedLayerError, match="batch"):
        net(CROP.format("axis: 0"), x=X, like=np.zeros((1, 6, 4, 3)))


FLIP = (
    'layer {{ name: "f" type: "Flip" bottom: "x" top: "y" '
    "flip_param {{ {} }} }}"
)


@pytest.mark.parametrize(
    "settings, order",
    [
        ("", np.s_[:, :, :, ::-1]),
        ("flip_width: false flip_height: true", np.s_[:, :, ::-1]),
        ("flip_height: true", np.s_[:, :, ::-1, ::-1]),
        ("flip_width: false", np.s_[:]),
    ],
)
def test_flip(settings, order, net):
    made = net(FLIP.format(settings), x=X)["y"]
    np.testing.assert_array_equal(made, X[order])


def test_flip_of_fewer_axes(net):
    """What is not there counts as one row and one column."""
    rows = X.reshape(2, -1)
    both = FLIP.format("flip_height: true")
    np.testing.assert_array_equal(net(both, x=rows)["y"], rows)
    three = X.reshape(2, 6, 35)
    np.testing.assert_array_equal(net(both, x=three)["y"], three[:, :, ::-1])


SHUFFLE = (
    'layer {{ name: "s" type: "ShuffleChannel" bottom: "x" top: "y" '
    "shuffle_channel_param {{ group: {} }} }}"
)


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_shuffle_channel(groups, net):
    made = net(SHUFFLE.format(groups), x=X)["y"]
    columns = 6 // groups
    expected = np.empty_like(X)
    for group in range(groups):
        for column in range(columns):
            expected[:, column * groups + group] = X[
                :, group * columns + column
            ]
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("groups", [0, 4])
def test_groups_must_divide(groups, net):
    with pytest.raises(CaffeFormatError, match="must divide 6"):
        net(SHUFFLE.format(groups), x=X)
