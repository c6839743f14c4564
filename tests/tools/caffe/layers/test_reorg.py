"""Reorg, against Darknet's order of the numbers."""

import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

X = np.arange(2 * 8 * 4 * 6, dtype=np.float32).reshape(2, 8, 4, 6)


def reorg(settings, top="y"):
    return (
        f'layer {{ name: "r" type: "Reorg" bottom: "x" top: "{top}" '
        f"reorg_param {{ {settings} }} }}"
    )


def test_squares_become_channels(referenced):
    made = referenced(reorg("stride: 2"), x=X)["y"]
    assert made.shape == (2, 32, 2, 3)
    # Darknet reads 8 x 4 x 6 cells as 2 x 8 x 12, takes every second cell of
    # every second row, and writes them on.
    read = X.reshape(2, 2, 8, 12)
    parts = [read[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
    np.testing.assert_array_equal(
        made.reshape(2, 8, 4, 6), np.concatenate(parts, 1)
    )


def test_channels_become_squares(referenced):
    made = referenced(reorg("stride: 2 reverse: true"), x=X)["y"]
    assert made.shape == (2, 2, 8, 12)
    for part in range(4):
        np.testing.assert_array_equal(
            made[:, :, part // 2 :: 2, part % 2 :: 2],
            X[:, 2 * part : 2 * part + 2],
        )


@pytest.mark.parametrize("reverse", ["", "reverse: true"])
def test_a_stride_of_one_changes_nothing(reverse, referenced):
    made = referenced(reorg(f"stride: 1 {reverse}"), x=X)["y"]
    np.testing.assert_array_equal(made, X)


def test_refusals(net):
    with pytest.raises(CaffeFormatError, match="positive"):
        net(reorg(""), x=X)
    with pytest.raises(CaffeFormatError, match="in place"):
        net(reorg("stride: 2", "x"), x=X)
    with pytest.raises(UnsupportedLayerError, match="past the bottom"):
        net(reorg("stride: 3"), x=X)
    with pytest.raises(UnsupportedLayerError, match="past the top"):
        net(reorg("stride: 2"), x=X[:, :, :3])
